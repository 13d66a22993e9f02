//! Who a fake device says it is: USB identifiers, interfaces, names, and the descriptors made of them.

use saltbridge::emulator::Model;

/// In a product id of the new scheme and in [`Identity`]: the interface for APDUs in HID reports.
pub const HID: u8 = 0x01;
/// The FIDO U2F interface. Nothing of ours may ever be written there.
pub const FIDO: u8 = 0x04;
/// The WebUSB interface.
pub const WEB_USB: u8 = 0x10;

/// Ledger.
pub const LEDGER: u16 = 0x2c97;

/// Who the device is in one of its states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face {
    pub product_id: u16,
    /// Bits of [`HID`], [`FIDO`] and [`WEB_USB`].
    pub interfaces: u8,
}

/// Who the device says it is.
#[derive(Clone, Debug)]
pub struct Identity {
    pub vendor_id: u16,
    /// Without an app open.
    pub dashboard: Face,
    /// With one.
    pub app: Face,
    /// Of the HID interface's reports.
    pub usage_page: u16,
    pub manufacturer: &'static str,
    pub product: &'static str,
    pub serial: &'static str,
}

impl Identity {
    /// A model in the scheme of today: the high byte is the model, the low byte its interfaces.
    pub fn of(model: Model) -> Self {
        let (high, product) = match model {
            Model::NanoSPlus => (0x5000, "Nano S Plus"),
            Model::NanoX => (0x4000, "Nano X"),
            Model::Stax => (0x6000, "Ledger Stax"),
            Model::Flex => (0x7000, "Ledger Flex"),
            Model::ApexP => (0x8000, "Ledger Nano Gen5"),
        };
        let face = |interfaces: u8| Face {
            product_id: high | u16::from(interfaces),
            interfaces,
        };
        Self {
            vendor_id: LEDGER,
            dashboard: face(HID | WEB_USB),
            app: face(HID | FIDO | WEB_USB),
            usage_page: 0xffa0,
            manufacturer: "Ledger",
            product,
            serial: "0001",
        }
    }

    /// Under a product id of the old scheme, which says nothing of the interfaces.
    pub fn with_product_id(mut self, product_id: u16) -> Self {
        self.dashboard.product_id = product_id;
        self.app.product_id = product_id;
        self
    }

    pub fn face(&self, app_is_open: bool) -> Face {
        if app_is_open { self.app } else { self.dashboard }
    }
}

/// What a face is made of, in the order of the interface numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    Hid,
    Fido,
    WebUsb,
}

impl Interface {
    /// The number of its endpoint in each direction.
    pub fn endpoint(self) -> u8 {
        match self {
            Self::Hid => 2,
            Self::Fido => 1,
            Self::WebUsb => 3,
        }
    }
}

impl Face {
    pub fn interfaces(self) -> Vec<Interface> {
        [(HID, Interface::Hid), (FIDO, Interface::Fido), (WEB_USB, Interface::WebUsb)]
            .into_iter()
            .filter(|(bit, _)| self.interfaces & bit != 0)
            .map(|(_, interface)| interface)
            .collect()
    }
}

impl Identity {
    /// The answer to GET_DESCRIPTOR: of the device (1), the configuration (2), a string (3).
    pub fn descriptor(&self, face: Face, kind: u8, index: u8) -> Option<Vec<u8>> {
        match (kind, index) {
            (1, 0) => Some(self.device(face)),
            (2, 0) => Some(self.configuration(face)),
            (3, 0) => Some(vec![4, 3, 0x09, 0x04]),
            (3, 1) => Some(string(self.manufacturer)),
            (3, 2) => Some(string(self.product)),
            (3, 3) => Some(string(self.serial)),
            _ => None,
        }
    }

    fn device(&self, face: Face) -> Vec<u8> {
        let [v0, v1] = self.vendor_id.to_le_bytes();
        let [p0, p1] = face.product_id.to_le_bytes();
        vec![18, 1, 0x00, 0x02, 0, 0, 0, 64, v0, v1, p0, p1, 0x01, 0x02, 1, 2, 3, 1]
    }

    fn configuration(&self, face: Face) -> Vec<u8> {
        let interfaces = face.interfaces();
        let mut bytes = Vec::new();
        for (number, interface) in (0..).zip(&interfaces) {
            let endpoint = interface.endpoint();
            if *interface == Interface::WebUsb {
                bytes.extend([9, 4, number, 0, 2, 0xff, 0xff, 0xff, 0]);
                bytes.extend([7, 5, 0x80 | endpoint, 2, 64, 0, 0]);
                bytes.extend([7, 5, endpoint, 2, 64, 0, 0]);
                continue;
            }
            bytes.extend([9, 4, number, 0, 2, 3, 0, 0, 0]);
            bytes.extend(self.hid(*interface));
            bytes.extend([7, 5, 0x80 | endpoint, 3, 64, 0, 1]);
            bytes.extend([7, 5, endpoint, 3, 64, 0, 1]);
        }
        let [l0, l1] = u16::try_from(bytes.len() + 9).unwrap().to_le_bytes();
        let count = u8::try_from(interfaces.len()).unwrap();
        let mut all = vec![9, 2, l0, l1, count, 1, 0, 0xc0, 50];
        all.extend(bytes);
        all
    }

    /// The HID descriptor (0x21) of an interface.
    pub fn hid(&self, interface: Interface) -> Vec<u8> {
        let [l0, l1] = u16::try_from(self.reports(interface).len()).unwrap().to_le_bytes();
        vec![9, 0x21, 0x11, 0x01, 0, 1, 0x22, l0, l1]
    }

    /// The report descriptor (0x22) of an interface: 64 bytes each way, without a report identifier.
    pub fn reports(&self, interface: Interface) -> Vec<u8> {
        let [page, usages, flags] = match interface {
            Interface::Hid => [self.usage_page, 0x0403, 0x08],
            Interface::Fido => [0xf1d0, 0x2120, 0x02],
            Interface::WebUsb => return Vec::new(),
        };
        let [p0, p1] = page.to_le_bytes();
        let [output, input] = usages.to_be_bytes();
        let [_, flags] = flags.to_be_bytes();
        let eight_bits = [0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40];
        let mut bytes = vec![0x06, p0, p1, 0x09, 0x01, 0xa1, 0x01, 0x09, input];
        bytes.extend(eight_bits);
        bytes.extend([0x81, flags, 0x09, output]);
        bytes.extend(eight_bits);
        bytes.extend([0x91, flags, 0xc0]);
        bytes
    }
}

fn string(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut bytes = vec![u8::try_from(units.len() + 2).unwrap(), 3];
    bytes.extend(units);
    bytes
}
