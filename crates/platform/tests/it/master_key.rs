//! Data and the key it was sealed under belong together.

use crate::tally;
use perennial_platform::vault::Vault;
use perennial_testkit::TestDatabase;

#[tokio::test]
async fn data_sealed_under_one_key_does_not_open_under_another() {
    let test = TestDatabase::fresh().await;
    let db = tally::database(&test).await;
    let (own, other) = (Vault::new(&[1; 32]).unwrap(), Vault::new(&[2; 32]).unwrap());
    db.check_master_key(&own).await.unwrap();
    db.check_master_key(&own).await.unwrap();
    let refused = db.check_master_key(&other).await.unwrap_err();
    assert_eq!(refused.reason(), "WRONG_MASTER_KEY");
}
