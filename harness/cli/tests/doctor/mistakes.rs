use crate::kit::Setup;
use uspec_cli::load;

#[tokio::test(start_paused = true)]
async fn explore() {
    for mtp in load::profile(None).unwrap().mtps {
        let setup = Setup::of(&mtp.name);
        let (examination, told) = setup.examine().await;
        println!("== {} {}", mtp.name, examination.is_good());
        for line in told { println!("   {line}"); }
    }
}
