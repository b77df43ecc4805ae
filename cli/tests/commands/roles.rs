//! `eventwright roles` turns the registry's rights into a database role's.

use std::process::{Command, Output};

fn roles(arguments: &[&str]) -> Output {
    let registry = concat!(env!("CARGO_MANIFEST_DIR"), "/../contracts/event-types-registry.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_eventwright"));
    command.args(["roles", "--registry", registry, "--role", "app", "--database-url", "postgres://nowhere/"]);
    command.args(arguments).output().unwrap()
}

#[test]
fn prints_what_a_domain_owns_and_reads() {
    let output = roles(&["--domain", "warehouse", "--print"]);
    assert!(output.status.success(), "{output:?}");
    let sql = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(sql.contains("SELECT eventwright.grant_consumer('app', 'warehouse', ARRAY['"), "{sql}");
    assert!(
        sql.contains("SELECT eventwright.grant_producer('app', 'warehouse', ARRAY[]::text[]);"),
        "owns nothing: {sql}"
    );
    let sales = roles(&["--domain", "sales", "--print"]);
    let sql = String::from_utf8_lossy(&sales.stdout).into_owned();
    let producer = sql.lines().find(|line| line.contains("grant_producer")).unwrap();
    assert!(producer.contains("'lead.created'") && !producer.contains("'payment.received'"), "{producer}");
}

#[test]
fn a_domain_that_the_registry_does_not_have_is_refused_with_those_that_it_has() {
    let output = roles(&["--domain", "sale", "--print"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no domain `sale`") && said.contains("sales"), "{said}");
}
