//! Ids in Postgres: stored as their text.

#[cfg(feature = "postgres")]
pub use sqlx;

/// Lets a type that is `Display` and `FromStr` be a parameter and a column of type `text`, alone and in arrays.
#[cfg(feature = "postgres")]
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_text {
    ($type:ty) => {
        const _: () = {
            use $crate::payload::sql::sqlx;

            impl sqlx::Type<sqlx::Postgres> for $type {
                fn type_info() -> sqlx::postgres::PgTypeInfo {
                    <str as sqlx::Type<sqlx::Postgres>>::type_info()
                }

                fn compatible(info: &sqlx::postgres::PgTypeInfo) -> bool {
                    <str as sqlx::Type<sqlx::Postgres>>::compatible(info)
                }
            }

            impl sqlx::postgres::PgHasArrayType for $type {
                fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                    <String as sqlx::postgres::PgHasArrayType>::array_type_info()
                }
            }

            impl sqlx::Encode<'_, sqlx::Postgres> for $type {
                fn encode_by_ref(
                    &self,
                    buffer: &mut sqlx::postgres::PgArgumentBuffer,
                ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                    <String as sqlx::Encode<'_, sqlx::Postgres>>::encode(self.to_string(), buffer)
                }
            }

            impl sqlx::Decode<'_, sqlx::Postgres> for $type {
                fn decode(value: sqlx::postgres::PgValueRef<'_>) -> Result<Self, sqlx::error::BoxDynError> {
                    Ok(<&str as sqlx::Decode<'_, sqlx::Postgres>>::decode(value)?.parse()?)
                }
            }
        };
    };
}

/// Nothing: without the feature there is no database.
#[cfg(not(feature = "postgres"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_text {
    ($type:ty) => {};
}
