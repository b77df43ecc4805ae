//! Fresh databases for tests: many at once, each empty, none left.

use std::time::Duration;

use eventwright::testing::Database;
use sqlx::{Connection, PgConnection, PgPool, Row};

/// All databases of this server that tests have made.
async fn databases(pool: &PgPool) -> Vec<String> {
    sqlx::query("select datname from pg_database where datname like 'eventwright\\_test\\_%'")
        .fetch_all(pool)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

async fn name(pool: &PgPool) -> String {
    sqlx::query("select current_database()").fetch_one(pool).await.unwrap().get(0)
}

#[tokio::test]
async fn each_is_empty_and_ones_own() {
    let (one, other) = (Database::create().await.unwrap(), Database::create().await.unwrap());
    for database in [&one, &other] {
        sqlx::query("create table leads ()").execute(database.pool()).await.unwrap();
    }
    assert_ne!(name(one.pool()).await, name(other.pool()).await);
}

#[tokio::test]
async fn the_url_leads_to_the_same_database() {
    let database = Database::create().await.unwrap();
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let through_url: String = sqlx::query("select current_database()").fetch_one(&mut connection).await.unwrap().get(0);
    assert_eq!(through_url, name(database.pool()).await);
    assert!(!database.url().contains("statement-cache"), "{} has parameters of one driver", database.url());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_made_at_once() {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            tokio::spawn(async {
                let database = Database::create().await.unwrap();
                name(database.pool()).await
            })
        })
        .collect();
    let mut names = Vec::new();
    for task in tasks {
        names.push(task.await.unwrap());
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 16);
}

#[tokio::test]
async fn dropping_removes_it_with_its_sessions() {
    let witness = Database::create().await.unwrap();
    let database = Database::create().await.unwrap();
    let name = name(database.pool()).await;
    let mut session = PgConnection::connect(database.url()).await.unwrap();
    assert!(databases(witness.pool()).await.contains(&name));

    drop(database);
    assert!(!databases(witness.pool()).await.contains(&name));
    assert!(session.ping().await.is_err());
}

#[tokio::test]
async fn a_panic_removes_it() {
    let witness = Database::create().await.unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    let test = tokio::spawn(async {
        let database = Database::create().await.unwrap();
        tell.send(name(database.pool()).await).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        panic!("a test fails");
    });
    let name = told.await.unwrap();
    assert!(test.await.unwrap_err().is_panic());
    assert!(!databases(witness.pool()).await.contains(&name));
}
