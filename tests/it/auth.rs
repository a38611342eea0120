//! Every RPC, asked by every kind of caller. The expectation comes from the contract alone, and
//! the bodies are garbage: whoever may not call learns nothing, not even whether a request was
//! well formed.

use perennial_proto::{METHODS, Method};
use perennial_testkit::call::call;
use perennial_tests::Setup;
use perennial_tests::servers::serving;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use tonic::Code;
use tonic::transport::Channel;

/// Not a message of any method: field 31 begun and not ended.
const GARBAGE: &[u8] = &[0xfa, 0x01, 0xff];

/// A caller of the matrix.
struct Caller {
    name: String,
    /// What it sends; `None` sends nothing.
    secret: Option<String>,
    scopes: Vec<String>,
}

impl Caller {
    fn known(name: &str, scopes: &[&str]) -> (Self, String) {
        let (secret, sha256) = perennial_platform::auth::token::generate().unwrap();
        let settings =
            format!("[[auth.tokens]]\nname = {name:?}\nsha256 = {sha256:?}\nscopes = {scopes:?}\n");
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        (Self { name: name.into(), secret: Some(secret), scopes }, settings)
    }

    fn stranger(name: &str, secret: Option<&str>) -> Self {
        Self { name: name.into(), secret: secret.map(str::to_owned), scopes: Vec::new() }
    }

    fn may(&self, method: &Method) -> bool {
        self.scopes.iter().any(|scope| match scope.strip_suffix('*') {
            Some(prefix) => method.scope.starts_with(prefix),
            None => scope == method.scope,
        })
    }

    /// Whether the answer's code is one that this caller must see.
    fn expects(&self, method: &Method, code: Code) -> bool {
        if self.scopes.is_empty() {
            code == Code::Unauthenticated
        } else if self.may(method) {
            !matches!(code, Code::Unauthenticated | Code::PermissionDenied)
        } else {
            code == Code::PermissionDenied
        }
    }
}

/// Strangers, a caller for each scope, one for everything below a service, one for everything.
fn callers() -> (Vec<Caller>, String) {
    let scopes: BTreeSet<&str> = METHODS.iter().map(|method| method.scope).collect();
    let mut callers = vec![
        Caller::stranger("nobody", None),
        Caller::stranger("empty", Some("")),
        Caller::stranger("guess", Some("per_0000")),
        Caller::stranger("all", Some("*")),
    ];
    let mut settings = String::new();
    let mut add = |(caller, lines): (Caller, String)| {
        callers.push(caller);
        settings.push_str(&lines);
    };
    for scope in &scopes {
        add(Caller::known(&format!("only {scope}"), &[scope]));
    }
    add(Caller::known("loyalty", &["loyalty.*"]));
    add(Caller::known("everything", &["*"]));
    // The suite calls itself, too.
    let (secret, sha256) = perennial_platform::auth::token::generate().unwrap();
    let _ = write!(
        settings,
        "[[auth.tokens]]\nname = \"suite\"\nsha256 = {sha256:?}\nscopes = [\"*\"]\n\
         [auth]\npeer_token = {secret:?}\n"
    );
    (callers, settings)
}

async fn ask(channel: &Channel, method: &Method, caller: &Caller) -> Code {
    match call(channel, method, vec![GARBAGE.to_vec()], caller.secret.as_deref()).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test]
async fn every_rpc_admits_whom_the_contract_admits_and_nobody_else() {
    let (callers, settings) = callers();
    let setup = Setup::fresh().await.with(&settings);
    let running = setup.start().await;
    let channels = running.channels();
    let mut cells = 0;
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for method in METHODS {
        for place in serving(method) {
            for caller in &callers {
                let code = ask(&channels[place], method, caller).await;
                cells += 1;
                seen.entry(method.path).or_default().insert(format!("{code:?}"));
                if !caller.expects(method, code) {
                    wrong.push(format!("{} by {}: {code:?}", method.path, caller.name));
                }
            }
        }
    }
    println!("{cells} cells: {} methods, {} callers", METHODS.len(), callers.len());
    assert!(wrong.is_empty(), "{} of {cells} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 1_000, "only {cells} cells");
    for (path, codes) in seen {
        assert!(codes.len() >= 3, "{path} never showed all three sides: {codes:?}");
    }
}

/// A method that no contract knows, and a service of our own that is not served here.
const UNKNOWN: [&str; 2] = ["/no.such.Service/Method", "/perennial.loyalty.v1.PointsService/Grant"];

#[tokio::test]
async fn strangers_cannot_tell_which_methods_exist() {
    let (callers, settings) = callers();
    let setup = Setup::fresh().await.with(&settings);
    let running = setup.start().await;
    let [_, _, loyalty, _] = running.channels();
    for path in UNKNOWN {
        let method = Method { path, scope: "", ..METHODS[0] };
        for caller in &callers {
            let code = ask(&loyalty, &method, caller).await;
            let expected =
                if caller.scopes.is_empty() { Code::Unauthenticated } else { Code::Unimplemented };
            assert_eq!(code, expected, "{path} by {}", caller.name);
        }
    }
}
