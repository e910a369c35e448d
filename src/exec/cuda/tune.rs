//! Autotuning: which cut a product gets. Measured once for each GPU, driver and set of kernels, and written down. While nothing is
//! known, or nothing may be measured, the counting of `tiles.rs` decides.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cudarc::driver::CudaSlice;

use super::cuts::Cuts;
use super::device::Device;
use super::product::Product;
use super::rounds::{Ends, Time, are_steady};
use super::tiles::{self, Chip, Cut};
use super::trial::Bench;
use crate::exec::ExecError;
use crate::flow::{LatestReceiver, LatestSender, latest};
use crate::places::Places;

/// Says how many seconds a network may be measured, or `off`.
const VARIABLE: &str = "AFTERIMAGE_CUDA_TUNE";
/// How long a network is measured without it, in seconds. What is not reached is when it is next compiled.
const USUAL_S: f64 = 2.0;
/// More is a mistake.
const MOST_S: f64 = 3600.0;
/// A part of the time that one shape may take, if it needs no more for what is necessary.
const SHARE: u32 = 10;
/// The best cut by counting stays if another is no faster than this: less is noise, and other cuts round otherwise.
const FASTER: f64 = 0.98;
/// Cuts whose parts of sums take more numbers are not measured, unless counting chooses one.
const MOST_SUMS: usize = 64 << 20;

/// What is known of one device, and whether more may be measured.
pub struct Tuner {
    budget: Option<Duration>,
    known: (LatestSender<Arc<Cuts>>, LatestReceiver<Arc<Cuts>>),
}

/// A shape of products that is to be measured.
struct Job<'a> {
    product: &'a Product,
    key: String,
    /// By counting the best first.
    candidates: Vec<Cut>,
    /// Products of this shape.
    count: usize,
}

/// What measuring found.
#[derive(Default)]
struct Found {
    cuts: Vec<(String, Cut)>,
    /// Shapes whose times said one thing now and another then.
    unsteady: usize,
    /// Milliseconds of all products that were measured, as the counting would cut them and as they are cut.
    ms: [f64; 2],
}

/// The file with all that was measured.
pub fn file() -> PathBuf {
    Places::find().cache.join("cuda-cuts.txt")
}

impl Tuner {
    /// For the device that calls itself so.
    ///
    /// # Errors
    /// `AFTERIMAGE_CUDA_TUNE` is neither a number of seconds nor `off`.
    pub fn new(identity: &str) -> Result<Self, ExecError> {
        let (budget, known) = (budget()?, latest());
        // Without measuring, nothing that was measured counts: pictures are the same on all GPUs of a size.
        known.0.send(Arc::new(budget.map_or_else(Cuts::default, |_| Self::read(identity))));
        Ok(Self { budget, known })
    }

    /// What is written down of a device.
    pub fn read(identity: &str) -> Cuts {
        Cuts::read(&file(), identity)
    }

    /// What is known of the `products` of a network, after measuring those that are new, as far as time and memory allow.
    /// Everything in `blocks`, the memory that they read and write, may be lost.
    ///
    /// # Errors
    /// What went wrong on the GPU. Too little memory to measure with is no error.
    pub fn learn(
        &self,
        device: &Device,
        network: &str,
        products: Vec<&Product>,
        blocks: &[&CudaSlice<u8>],
    ) -> Result<Arc<Cuts>, ExecError> {
        let known = self.known.1.peek().unwrap_or_default();
        let Some(budget) = self.budget else { return Ok(known) };
        let jobs = jobs(products, &known, &device.chip());
        let sums = jobs.iter().flat_map(|job| job.candidates.iter().map(|cut| cut.sums(&job.product.extent))).max();
        let Some(sums) = sums else { return Ok(known) };
        // What the driver takes to translate kernels that it has not met is not a part of measuring.
        let of = |job: &Job<'_>| job.product.extent.fp8;
        let mut tiles = jobs.iter().flat_map(|job| job.candidates.iter().map(move |cut| (cut.tile.name, of(job))));
        tiles.try_for_each(|(name, fp8)| device.function(name, fp8).map(drop))?;
        let begun = Instant::now();
        let mut bench = match Bench::new(device, sums * size_of::<f32>()) {
            Ok(bench) => bench,
            Err(error) => {
                log::info!("nothing of `{network}` is measured: {error}");
                return Ok(known);
            }
        };
        blocks.iter().try_for_each(|block| bench.fill(block))?;
        let mut found = Found::default();
        for job in jobs.iter().take_while(|_| begun.elapsed() < budget) {
            let ends = Ends { share: Instant::now() + budget / SHARE, all: begun + budget };
            if let Some(times) = job.times(&mut bench, device, ends)? {
                found.add(job, &times);
            }
        }
        found.tell(network, jobs.len(), begun.elapsed());
        if found.cuts.is_empty() {
            return Ok(known);
        }
        let known = Arc::new(known.with(&found.cuts));
        self.known.0.send(known.clone());
        if let Err(error) = known.write(&file()) {
            log::warn!("what was measured on the GPU will be measured again: {error}");
        }
        Ok(known)
    }
}

impl Job<'_> {
    /// What each candidate takes, if there is time to measure that.
    fn times(&self, bench: &mut Bench<'_>, device: &Device, ends: Ends) -> Result<Option<Vec<Time>>, ExecError> {
        let workspace = bench.workspace();
        let ways = self.candidates.iter().map(|cut| self.product.launches(*cut, workspace, device));
        bench.times(&self.product.input, &ways.collect::<Result<Vec<_>, _>>()?, ends)
    }
}

impl Found {
    /// Takes what was measured for true, unless something else seems to use the GPU: a wrong choice would be kept.
    fn add(&mut self, job: &Job<'_>, times: &[Time]) {
        let all = || job.candidates.iter().zip(times.iter().map(|time| time.median));
        let fastest = all().min_by(|(_, a), (_, b)| a.total_cmp(b));
        let (Some(counted), Some(fastest)) = (all().next(), fastest) else { return };
        all().for_each(|(cut, ms)| log::trace!("{}: {cut} {ms:.4} ms", job.key));
        if !are_steady(times) {
            self.unsteady += 1;
            log::debug!("{} took other times again and again: {times:?}", job.key);
            return;
        }
        let (cut, ms) = if fastest.1 < FASTER * counted.1 { fastest } else { counted };
        log::debug!("{} by {}: {cut} {ms:.4} ms, by counting {} {:.4} ms", job.key, job.count, counted.0, counted.1);
        self.cuts.push((job.key.clone(), *cut));
        self.ms[0] += counted.1 * job.count as f64;
        self.ms[1] += ms * job.count as f64;
    }

    fn tell(&self, network: &str, jobs: usize, took: Duration) {
        let (measured, [counted, now]) = (self.cuts.len(), self.ms);
        log::info!(
            "{measured} of {jobs} new shapes of products of `{network}` were measured in {:.2} s: all of them take {now:.3} ms \
             instead of {counted:.3} ms",
            took.as_secs_f64()
        );
        if self.unsteady > 0 {
            log::info!(
                "{} of them took other times again and again, as if something else uses the GPU: they are measured when they are \
                 next needed",
                self.unsteady
            );
        }
    }
}

/// The shapes among `products` that are not known and have a choice, those first that take most time by counting.
fn jobs<'a>(products: Vec<&'a Product>, known: &Cuts, chip: &Chip) -> Vec<Job<'a>> {
    let mut jobs: BTreeMap<String, Job<'a>> = BTreeMap::new();
    for product in products {
        let key = product.key();
        let mut candidates = product.candidates(chip);
        if candidates.len() > 1 && known.get(&key, &candidates).is_none() {
            // Memory for all is reserved before the first is measured: one that takes much must not keep the others from it.
            let sums = |cut: &Cut| cut.sums(&product.extent);
            let most = MOST_SUMS.max(sums(&candidates[0]));
            candidates.retain(|cut| sums(cut) <= most);
            let job = Job { product, key: key.clone(), candidates, count: 0 };
            jobs.entry(key).or_insert(job).count += 1;
        }
    }
    let cost = |job: &Job<'_>| job.count as f64 * tiles::cost(&job.product.extent, &job.candidates[0], chip);
    let mut jobs: Vec<Job<'a>> = jobs.into_values().collect();
    jobs.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
    jobs
}

/// How long a network may be measured, if at all.
fn budget() -> Result<Option<Duration>, ExecError> {
    let word = std::env::var(VARIABLE).unwrap_or_default();
    let seconds = match word.as_str() {
        "" => Some(USUAL_S),
        "off" => Some(0.0),
        word => word.parse().ok().filter(|seconds| (0.0..=MOST_S).contains(seconds)),
    };
    let wrong = || ExecError::Device {
        text: format!("{VARIABLE} is `{word}`, which is neither `off` nor a number of seconds up to {MOST_S}"),
        remedy: "set it to one of them, or unset it",
        full: false,
    };
    let seconds = seconds.ok_or_else(wrong)?;
    Ok((seconds > 0.0).then(|| Duration::from_secs_f64(seconds)))
}
