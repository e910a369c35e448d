//! A step that is a product: what its time depends on, and the launches that compute it.

use super::args::{Args, Placed};
use super::bulk::{self, Rectangles};
use super::device::Device;
use super::kernels::{MOST_TAPS, SLICE, Tiling};
use super::launch::Launch;
use super::plan::Post;
use super::tiles::{self, Chip, Cut, Extent};
use crate::exec::ExecError;
use crate::exec::planner::{Kind, View};

/// A convolution or a product with a matrix, with all that follows it.
pub struct Product {
    /// How much is multiplied.
    pub extent: Extent,
    /// What is read, fp8 numbers in pairs.
    pub input: Placed,
    /// What is written.
    pub output: Placed,
    /// Addresses of the weights, of the bias or 0, and of what sums are times, or 0, if factors are fp8.
    pub weight: [u64; 3],
    /// Side of the kernel, stride, zeros above and to the left.
    pub geometry: [usize; 4],
    /// What follows.
    pub posts: Vec<Post>,
}

impl Product {
    /// Whether all pixels of the input begin at 16 bytes and are whole sixteens, and the kernel is not too large.
    fn is_regular(&self) -> bool {
        self.input.in_eights() && self.geometry[0] <= MOST_TAPS
    }

    /// The cuts that may be its fastest on such a GPU, the best by counting first.
    pub fn candidates(&self, chip: &Chip) -> Vec<Cut> {
        if self.is_regular() { tiles::candidates(&self.extent, chip) } else { vec![Cut::GATHER] }
    }

    /// Its best cut by counting among those that need no memory for parts of sums, if there is one.
    pub fn without_sums(&self, chip: &Chip) -> Option<Cut> {
        if self.is_regular() { tiles::without_sums(&self.extent, chip) } else { Some(Cut::GATHER) }
    }

    /// Everything that its time depends on, on a given GPU: products of the same key take the same time.
    pub fn key(&self) -> String {
        let (View { pixel, c, .. }, to) = (self.input.view, self.output.view);
        let (View { n, h, w, .. }, [kernel, stride, ..]) = (to, self.geometry);
        // Files hold these words: they stay, whatever the code calls the numbers.
        let kind = match to.kind {
            Kind::F32 => "f32",
            Kind::Half if self.output.fp8 => "quarter",
            Kind::Half => "half",
        };
        let Extent { doubled, gated, line, fp8, .. } = self.extent;
        let way = [(fp8, " of quarters"), (doubled, " doubled"), (gated, " gated"), (!line, " in rows")];
        let way: String = way.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        let then: String = self.posts.iter().map(sign).collect();
        let rows = self.extent.rows;
        format!("{n}x{h}x{w} {c}/{pixel} to {rows}/{} {kind} {kernel}x{kernel}/{stride}{way} {then}", to.pixel)
            .trim_end()
            .to_owned()
    }

    /// The launches that compute it, cut so. Sums of parts that are not reduced in clusters go through `workspace`.
    ///
    /// # Errors
    /// There is no such kernel: a mistake in the program. The driver's.
    pub fn launches(&self, cut: Cut, workspace: u64, device: &Device) -> Result<Vec<Launch>, ExecError> {
        let Self { extent: Extent { rows, doubled, gated, fp8, .. }, geometry: [kernel, stride, top, left], .. } =
            *self;
        let Cut { tile, splits, multicast } = cut;
        let flags = [doubled, gated].map(usize::from);
        let args = Args::default().view(&self.input).view(&self.output);
        let args = self.weight.into_iter().fold(args, Args::pointer);
        let args = [kernel, stride, top, left, flags[0], flags[1], splits, rows].into_iter().fold(args, Args::int);
        let args = args.pointer(if cut.reduces_in_cluster() { 0 } else { workspace }).posts(&self.posts);
        let all = match tile.tiling {
            Tiling::Rectangles(stages) => {
                let tensor_maps = Args::default().put(&bulk::pixels(&self.input, &self.extent, &cut)?);
                let tensor_maps = tensor_maps.put(&bulk::weights(self.weight[0], &self.extent, &cut)?);
                let Rectangles { wide, across, down } = Rectangles::new(tile.pixels, &self.extent);
                let flat = usize::from(self.extent.in_line());
                let slices = self.extent.inputs.div_ceil(SLICE);
                let early = if device.overlaps() { stages } else { 0 };
                let numbers = [wide, across, down, flat, slices, stages, multicast[0], multicast[1], early];
                numbers.into_iter().fold(tensor_maps.then(&args), Args::int).aligned(64)
            }
            Tiling::Pixels | Tiling::Strips(_) => args.clone(),
        };
        let mut launches = vec![Launch {
            function: device.function(tile.name, fp8)?,
            grid: cut.grid(&self.extent),
            threads: tile.threads,
            shared: tile.shared,
            cluster: cut.cluster(),
            args: all.finish(),
        }];
        if cut.sums(&self.extent) > 0 {
            let View { n, h, w, c, .. } = self.output.view;
            let function = device.function("conv_finish", fp8)?;
            launches.push(Launch::striding(function, n * h * w * c, device.processors(), args));
        }
        Ok(launches)
    }
}

/// What is done to each element, as far as time is concerned: other values are read from memory.
fn sign(post: &Post) -> char {
    match post {
        Post::Activate(_) => 'f',
        Post::Affine { .. } => 's',
        Post::Add(_) => '+',
        Post::Mul(_) => '*',
    }
}
