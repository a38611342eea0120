//! `perennial demo` on a small file with lines that cannot be read.

use perennial_tests::programs;
use std::process::Command;

const PURCHASES: &str = "\
customer,sample,day,items,amount
anna,1,20250101,1,19.90
anna,1,20250301,2,39.80
ben,2,20250102,1,5.00
carl,3,20250103,1,not money
dora,4,20250231,1,10.00
ed,5
";

#[test]
fn a_file_is_replayed_and_malformed_lines_are_reported() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("purchases.csv");
    std::fs::write(&file, PURCHASES).unwrap();
    let output = Command::new(programs::perennial())
        .args(["demo", "--currency", "CNY", "--file"])
        .arg(&file)
        .output()
        .unwrap();
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{page}{}", String::from_utf8_lossy(&output.stderr));
    for part in [
        "3 purchases of 2 customers",
        "line 5 was refused: amount \"not money\"",
        "line 6 was refused: day \"20250231\"",
        "line 7 was refused: has 2 columns",
        "Lines refused: 3",
        "RFM: the 2 buyers",
        "never bought again by 2025-03-01",
    ] {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
}
