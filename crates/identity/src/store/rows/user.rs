//! One row a user: small and hot, written with every batch of activities.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: String,
    pub create_time: DateTimeUtc,
    pub given_register_time: Option<DateTimeUtc>,
    pub first_time: Option<DateTimeUtc>,
    /// Calendar day of the registration that counts; follows from the times above.
    pub register_day: i32,
    pub last_own_time: Option<DateTimeUtc>,
    pub last_negative_time: Option<DateTimeUtc>,
    pub last_positive_time: Option<DateTimeUtc>,
    pub purchases: i64,
    pub uses: i64,
    pub feedbacks: i64,
    pub referrals: i64,
    pub sessions: Vec<u8>,
    pub open_complaints: i64,
    pub industry: String,
    pub influencer: bool,
    pub erase_time: Option<DateTimeUtc>,
    pub erased: bool,
    pub grade: i16,
    pub signals: i16,
    pub stage: i16,
    pub next_change_time: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}
impl ActiveModelBehavior for ActiveModel {}
