//! What a stroke is made with and made of: the brush and the pointer's samples. Knows no pixels.

/// What the width of a stroke follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WidthRule {
    /// Always the brush's diameter.
    Fixed,
    /// Faster is thinner, down to 35 % of the diameter; pressure replaces speed where it is reported.
    #[default]
    Speed,
    /// Pressure alone; the full diameter where none is reported.
    Pressure,
}

/// How ink is laid down.
///
/// ```
/// use afterimage::canvas::Brush;
///
/// let soft = Brush { hardness: 0.2, opacity: 0.5, ..Brush::default() };
/// let eraser = Brush { erase: true, ..soft };
/// assert_eq!(eraser.diameter_px, Brush::default().diameter_px);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brush {
    /// Colour of the ink, sRGB.
    pub colour: [u8; 3],
    /// Full width of the tip in canvas pixels; kept between 0.5 and 1024. Default 24.
    pub diameter_px: f32,
    /// How much of the radius is fully covered: 0 is a soft cloud, 1 a crisp disc. Default 0.9.
    pub hardness: f32,
    /// How opaque the whole stroke is, 0 to 1; crossing one's own stroke does not add up. Default 1.
    pub opacity: f32,
    /// Takes ink away instead of adding it.
    pub erase: bool,
    /// What the width follows.
    pub width: WidthRule,
}

impl Brush {
    /// The narrowest tip in pixels.
    pub const MIN_DIAMETER_PX: f32 = 0.5;
    /// The widest tip in pixels.
    pub const MAX_DIAMETER_PX: f32 = 1024.0;

    /// The same brush with every number inside its range; what is no number becomes the default.
    pub fn tamed(self) -> Self {
        let default = Self::default();
        let tame =
            |value: f32, otherwise: f32, low, high| if value.is_nan() { otherwise } else { value.clamp(low, high) };
        Self {
            diameter_px: tame(self.diameter_px, default.diameter_px, Self::MIN_DIAMETER_PX, Self::MAX_DIAMETER_PX),
            hardness: tame(self.hardness, default.hardness, 0.0, 1.0),
            opacity: tame(self.opacity, default.opacity, 0.0, 1.0),
            ..self
        }
    }
}

impl Default for Brush {
    fn default() -> Self {
        Self {
            colour: [0; 3],
            diameter_px: 24.0,
            hardness: 0.9,
            opacity: 1.0,
            erase: false,
            width: WidthRule::default(),
        }
    }
}

/// One report of the pointer.
///
/// ```
/// use afterimage::canvas::StrokePoint;
///
/// let point = StrokePoint::new(10.0, 20.0, 0.5);
/// assert!(point.is_sound() && !StrokePoint { x: f32::NAN, ..point }.is_sound());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrokePoint {
    /// Canvas pixels from the left; the centre of the first pixel is 0.5.
    pub x: f32,
    /// Canvas pixels from the top.
    pub y: f32,
    /// Seconds on any steady clock; only differences count.
    pub time_s: f64,
    /// 0 to 1 where the device reports it.
    pub pressure: Option<f32>,
}

impl StrokePoint {
    /// A point without pressure.
    pub const fn new(x: f32, y: f32, time_s: f64) -> Self {
        Self { x, y, time_s, pressure: None }
    }

    /// True when the place is a place.
    pub fn is_sound(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }
}

/// A finished stroke as it was made: every sample, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct StrokeRecord {
    /// The layer it was made on.
    pub layer: super::LayerId,
    /// The brush it was made with.
    pub brush: Brush,
    /// Every sample the pointer reported.
    pub points: Vec<StrokePoint>,
}
