//! Compiles the contracts without a protoc binary and writes three things into `OUT_DIR`: the
//! tonic and prost types, the checks of every field bound (`contract.rs`), and the table of
//! methods with their scopes (`methods.rs`).
//!
//! The options are read from protox's own encoding of the descriptor set: prost drops unknown
//! fields, so a set that went through prost has lost the custom options.

mod checks;
mod methods;
mod naming;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

#[expect(clippy::print_stdout, reason = "how a build script talks to cargo")]
#[expect(clippy::disallowed_methods, reason = "cargo says where the output goes")]
fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    println!("cargo:rerun-if-changed=build");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptor.binpb"), &encoded)?;

    let mut prost = tonic_prost_build::Config::new();
    prost.enable_type_names();
    // Maps in key order: the same message always encodes to the same bytes.
    prost.btree_map(["."]);
    tonic_prost_build::configure()
        .codec_path("crate::codec::ContractCodec")
        .include_file("modules.rs")
        .compile_fds_with_config(compiler.file_descriptor_set(), prost)?;

    let pool = prost_reflect::DescriptorPool::decode(encoded.as_slice())?;
    fs::write(out.join("contract.rs"), checks::generate(&pool)?)?;
    fs::write(out.join("methods.rs"), methods::generate(&pool)?)?;
    Ok(())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
