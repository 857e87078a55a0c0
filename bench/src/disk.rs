// SPDX-License-Identifier: MIT OR Apache-2.0
//! A disk whose requests nobody else makes: a loop device on a file in memory.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use crate::error::Context;
use crate::error::Error;
use crate::error::Result;

/// Its size: `storm read` goes round in it.
const BYTES: u64 = 16 << 20;

/// A loop device; detached when dropped.
#[derive(Debug)]
pub struct Disk {
    device: String,
}

impl Disk {
    /// Makes one on a new file. As root; losetup finds a free device.
    ///
    /// # Errors
    ///
    /// When the file or the device cannot be made.
    pub fn new(image: &Path) -> Result<Self> {
        let file = File::create(image).context(|| image.display().to_string())?;
        file.set_len(BYTES)
            .context(|| image.display().to_string())?;
        let output = Command::new("losetup")
            .args(["--find", "--show"])
            .arg(image)
            .output()
            .context(|| "cannot run losetup".to_owned())?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(Error::new(format!("losetup: {}", why.trim_end())));
        }
        let device = String::from_utf8_lossy(&output.stdout);
        Ok(Self {
            device: device.trim_end().to_owned(),
        })
    }

    /// `/dev/loop0`
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(&self.device)
    }

    /// `loop0`
    #[must_use]
    pub fn name(&self) -> String {
        self.device.trim_start_matches("/dev/").to_owned()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let detach = Command::new("losetup")
            .arg("--detach")
            .arg(&self.device)
            .status();
        // What is left over is a device on a file that has gone.
        drop(detach);
    }
}
