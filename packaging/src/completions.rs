// SPDX-License-Identifier: MIT OR Apache-2.0
//! Completions for three shells, of each name that can be typed.

use std::fs;
use std::path::Path;

use clap_complete::{Shell, generate_to};

use crate::Result;

/// Writes `bash/NAME.bash`, `zsh/_NAME` and `fish/NAME.fish` below `directory`.
pub(crate) fn write(directory: &Path) -> Result<()> {
    for (shell, name) in [
        (Shell::Bash, "bash"),
        (Shell::Zsh, "zsh"),
        (Shell::Fish, "fish"),
    ] {
        let below = directory.join(name);
        fs::create_dir_all(&below)?;
        for tool in tracewell::TOOLS {
            generate_to(shell, &mut tool.parser(), tool.name, &below)?;
        }
        generate_to(shell, &mut tracewell::parser(), tracewell::NAME, &below)?;
    }
    Ok(())
}
