//! The soak of `examples/soak`, for less than a minute.

use std::time::Duration;

use crate::soak::{self, Plan};
use crate::{alone, program};

#[tokio::test(flavor = "multi_thread")]
async fn faults_come_and_go_and_nothing_is_wrong_late_or_kept() {
    let _alone = alone().await;
    let plan = Plan { lasting: Duration::from_secs(45), rate: 30.0, seed: 8, told_every: None };
    let report = soak::run(program(), &plan).await;
    println!("{report}");
    assert_eq!(report.wrong(), [""; 0]);
}
