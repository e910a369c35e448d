//! Pens on X11: raw events of the X Input Extension, over a connection of our own.
//!
//! The window's connection cannot tell: its events of the pointer come without the pen's other axes. Events of the same window on a
//! second connection would end with each press, which gives the pointer to the window alone until it is let go. Raw events,
//! which belong to the root window, go to everybody who asked, presses or not (since version 2.1).

use std::collections::HashMap;

use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{
    ConnectionExt as _, Device, DeviceClassData, DeviceClassDataValuator, DeviceType, EventMask, Fp3232,
    RawMotionEvent, XIDeviceInfo, XIEventMask,
};
use x11rb::protocol::xproto::{Atom, ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

use super::Contact;

/// Since here raw events also come while a press belongs to a window, and name the device they are from.
const VERSION: (u16, u16) = (2, 1);
/// What the axis of the pressure is called by all drivers of tablets. Fingers press with "Abs MT Pressure".
const PRESSURE: &[u8] = b"Abs Pressure";

/// Why there is nothing to hear.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the X server cannot be reached: {0}")]
    Connect(#[from] ConnectError),
    #[error("the X server is gone: {0}")]
    Connection(#[from] ConnectionError),
    #[error("the X server does not answer: {0}")]
    Reply(#[from] ReplyError),
    #[error("the X server has version {0}.{1} of the X Input Extension, and 2.1 is the first that tells")]
    Old(u16, u16),
}

/// An axis of a pen: its number, and the values without pressure and with all of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    number: u16,
    min: f64,
    max: f64,
}

/// A pen that knows how hard it presses.
#[derive(Clone, Debug, PartialEq)]
struct Pen {
    name: String,
    axis: Axis,
    /// Some drivers tell only what changed.
    contact: Contact,
}

/// Hears pens.
#[derive(Debug)]
pub(super) struct Listener {
    connection: RustConnection,
    root: Window,
    pressure: Atom,
    pens: HashMap<u16, Pen>,
    listens: bool,
}

impl Listener {
    pub(super) fn connect() -> Result<Self, Error> {
        let (connection, screen) = x11rb::connect(None)?;
        let root = connection.setup().roots[screen].root;
        let (major, minor) = VERSION;
        let version = connection.xinput_xi_query_version(major, minor)?;
        let pressure = connection.intern_atom(false, PRESSURE)?;
        let version = version.reply()?;
        if (version.major_version, version.minor_version) < VERSION {
            return Err(Error::Old(version.major_version, version.minor_version));
        }
        let pressure = pressure.reply()?.atom;
        let mut listener = Self { connection, root, pressure, pens: HashMap::new(), listens: false };
        listener.select(Device::ALL, XIEventMask::HIERARCHY)?;
        listener.find_pens()?;
        Ok(listener)
    }

    fn select(&self, device: Device, events: XIEventMask) -> Result<(), Error> {
        let mask = EventMask { deviceid: device.into(), mask: vec![events] };
        self.connection.xinput_xi_select_events(self.root, &[mask])?;
        Ok(self.connection.flush()?)
    }

    fn find_pens(&mut self) -> Result<(), Error> {
        let devices = self.connection.xinput_xi_query_device(Device::ALL)?.reply()?;
        let pens = devices.infos.iter().filter_map(|info| Some((info.deviceid, pen(info, self.pressure)?)));
        self.pens = pens.collect();
        log::debug!("pens: {:?}", self.pens());
        Ok(())
    }

    pub(super) fn listen(&mut self, on: bool) -> Result<(), Error> {
        if on == self.listens {
            return Ok(());
        }
        self.listens = on;
        let presses = XIEventMask::RAW_BUTTON_PRESS | XIEventMask::RAW_BUTTON_RELEASE;
        let events = if on { presses | XIEventMask::RAW_MOTION } else { XIEventMask::default() };
        self.select(Device::ALL_MASTER, events)
    }

    pub(super) fn contacts(&mut self) -> Result<Vec<Contact>, Error> {
        let mut contacts = Vec::new();
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::XinputRawMotion(raw) | Event::XinputRawButtonPress(raw) | Event::XinputRawButtonRelease(raw) => {
                    contacts.push(self.contact(&raw));
                }
                // A pen came, perhaps by coming near for the first time, or a tablet went.
                Event::XinputHierarchy(_) => self.find_pens()?,
                _ => {}
            }
        }
        Ok(contacts)
    }

    fn contact(&mut self, raw: &RawMotionEvent) -> Contact {
        let Some(pen) = self.pens.get_mut(&raw.sourceid) else { return Contact::default() };
        if let Some(value) = value(pen.axis.number, &raw.valuator_mask, &raw.axisvalues) {
            pen.contact.pressure = Some(pen.axis.share(value));
        }
        pen.contact
    }

    pub(super) fn pens(&self) -> Vec<String> {
        let mut names: Vec<_> = self.pens.values().map(|pen| pen.name.clone()).collect();
        names.sort();
        names
    }
}

impl Axis {
    /// Where `value` lies, 0..=1.
    fn share(self, value: f64) -> f32 {
        ((value - self.min) / (self.max - self.min)).clamp(0.0, 1.0) as f32
    }
}

/// The device as a pen: one with an axis of pressure. Master devices are the hands of others, and have the axes of whichever moved last.
fn pen(info: &XIDeviceInfo, pressure: Atom) -> Option<Pen> {
    if info.type_ != DeviceType::SLAVE_POINTER {
        return None;
    }
    let axis = info.classes.iter().find_map(|class| match class.data {
        DeviceClassData::Valuator(DeviceClassDataValuator { number, label, min, max, .. }) if label == pressure => {
            let axis = Axis { number, min: real(min), max: real(max) };
            (axis.min < axis.max).then_some(axis)
        }
        _ => None,
    })?;
    let name = String::from_utf8_lossy(&info.name).into_owned();
    // Each end is a device of its own, and all drivers name this one so.
    let eraser = name.to_lowercase().contains("eraser");
    Some(Pen { name, axis, contact: Contact { pressure: Some(0.0), eraser } })
}

/// The value of an axis, where the event has it: values are there for the bits that are set, in their order.
fn value(axis: u16, mask: &[u32], values: &[Fp3232]) -> Option<f64> {
    let (word, bit) = (usize::from(axis / 32), axis % 32);
    let here = mask.get(word)?;
    if here & (1 << bit) == 0 {
        return None;
    }
    let before: u32 = mask[..word].iter().map(|word| word.count_ones()).sum();
    let below = here & ((1 << bit) - 1);
    values.get((before + below.count_ones()) as usize).copied().map(real)
}

fn real(value: Fp3232) -> f64 {
    f64::from(value.integral) + f64::from(value.frac) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use x11rb::protocol::xinput::{DeviceClass, ValuatorMode};

    use super::*;

    const LABEL: Atom = 77;

    fn fixed(value: f64) -> Fp3232 {
        Fp3232 { integral: value.floor() as i32, frac: ((value - value.floor()) * 4_294_967_296.0) as u32 }
    }

    fn device(name: &str, type_: DeviceType, axes: &[(u16, Atom, f64, f64)]) -> XIDeviceInfo {
        let class = |&(number, label, min, max): &_| {
            let (min, max, value) = (fixed(min), fixed(max), fixed(min));
            let data =
                DeviceClassDataValuator { number, label, min, max, value, resolution: 1, mode: ValuatorMode::ABSOLUTE };
            DeviceClass { len: 11, sourceid: 9, data: DeviceClassData::Valuator(data) }
        };
        let classes = axes.iter().map(class).collect();
        XIDeviceInfo { deviceid: 9, type_, attachment: 2, enabled: true, name: name.as_bytes().to_vec(), classes }
    }

    #[test]
    fn what_knows_its_pressure_is_a_pen() {
        let axes = [(0, 5, 0.0, 100.0), (2, LABEL, -1.0, 3.0)];
        let found = pen(&device("Wacom One Pen stylus", DeviceType::SLAVE_POINTER, &axes), LABEL).expect("a pen");
        assert_eq!(found.axis, Axis { number: 2, min: -1.0, max: 3.0 });
        assert_eq!(found.contact, Contact { pressure: Some(0.0), eraser: false });
        let other = pen(&device("Wacom One Pen Eraser", DeviceType::SLAVE_POINTER, &axes), LABEL).expect("a pen");
        assert!(other.contact.eraser);
    }

    #[test]
    fn mice_masters_and_axes_without_a_range_are_no_pens() {
        let axes = [(2, LABEL, 0.0, 1.0)];
        for (type_, axes) in [
            (DeviceType::SLAVE_POINTER, &[(0, 5, 0.0, 100.0)][..]),
            (DeviceType::SLAVE_POINTER, &[(2, LABEL, 0.0, 0.0)]),
            (DeviceType::MASTER_POINTER, &axes),
            (DeviceType::SLAVE_KEYBOARD, &axes),
        ] {
            assert_eq!(pen(&device("a thing", type_, axes), LABEL), None, "{type_:?} {axes:?}");
        }
    }

    #[test]
    fn values_stand_in_the_order_of_the_bits_that_are_set() {
        let values = [1.5, 2.5, -0.25].map(fixed);
        let mask = [0b101, 1 << 31];
        assert_eq!(value(0, &mask, &values), Some(1.5));
        assert_eq!(value(1, &mask, &values), None);
        assert_eq!(value(2, &mask, &values), Some(2.5));
        assert_eq!(value(63, &mask, &values), Some(-0.25));
        assert_eq!(value(64, &mask, &values), None, "behind the mask");
        assert_eq!(value(63, &mask, &values[..2]), None, "a value that was promised and is not there");
    }

    #[test]
    fn pressure_is_a_share_of_the_range() {
        let axis = Axis { number: 2, min: -1.0, max: 3.0 };
        let shares = [-2.0, -1.0, 0.0, 3.0, 9.0].map(|value| axis.share(value));
        assert_eq!(shares, [0.0, 0.0, 0.25, 1.0, 1.0]);
    }
}
