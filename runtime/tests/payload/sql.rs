//! Ids as parameters and columns of type `text`.

use eventwright::EventId;
use eventwright::testing::Database;
use sqlx::Row;

#[tokio::test]
async fn ids_are_text_alone_and_in_arrays() {
    let database = Database::create().await.unwrap();
    let (one, other) = (EventId::new(), EventId::new());
    let row = sqlx::query("select $1, $2, $3, pg_typeof($1)::text, pg_typeof($2)::text")
        .bind(one)
        .bind(vec![one, other])
        .bind(None::<EventId>)
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!((row.get::<EventId, _>(0), row.get::<Vec<EventId>, _>(1)), (one, vec![one, other]));
    assert_eq!((row.get::<String, _>(0), row.get::<Option<EventId>, _>(2)), (one.to_string(), None));
    assert_eq!((row.get::<&str, _>(3), row.get::<&str, _>(4)), ("text", "text[]"));
}

#[tokio::test]
async fn a_column_that_holds_something_else_is_an_error() {
    let database = Database::create().await.unwrap();
    let row = sqlx::query("select 'lead_1'::text, 1").fetch_one(database.pool()).await.unwrap();
    let error = row.try_get::<EventId, _>(0).unwrap_err().to_string();
    assert!(error.contains("does not begin with `evt_`"), "{error}");
    assert!(row.try_get::<EventId, _>(1).is_err());
}
