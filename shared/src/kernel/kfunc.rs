// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls of the kernel's own functions from programs: which of them is called is a number in its BTF, put in before load.
//!
//! libbpf does this for functions that an object declares as its own. But it does so at each start, for all of them,
//! whether or not a program that calls them is loaded, and reads the types of all modules where the kernel has none of
//! that name. So the programs have a mark in place of the number, and the marks of those that are loaded are replaced.

use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{Func, FuncProto};
use libbpf_rs::libbpf_sys;
use libbpf_rs::{AsRawLibbpf, OpenObject};

/// The marks of `bpf/include/session.bpf.h`. Each function takes the program's context since 7.0 (`bpf: change prototype
/// of bpf_session_{cookie,is_return}`).
const MARKS: [(i32, &str); 2] = [
    (0x7e00_0001, "bpf_session_is_return"),
    (0x7e00_0002, "bpf_session_cookie"),
];

/// `BPF_JMP | BPF_CALL`, and `BPF_PSEUDO_KFUNC_CALL` of linux/bpf.h.
const CALL: u8 = 0x85;
const KFUNC: u8 = 2;

/// Replaces the marks in programs that are to be loaded. The error says which function the kernel lacks.
pub(crate) fn resolve(object: &mut OpenObject) -> Result<(), String> {
    let mut types = None;
    for program in object.progs_mut() {
        let is_marked = |insn: &libbpf_sys::bpf_insn| {
            insn.code == CALL && MARKS.iter().any(|(mark, _)| insn.imm == *mark)
        };
        if !program.autoload() || !program.insns().iter().any(is_marked) {
            continue;
        }
        let types = types.get_or_insert_with(Types::read).as_ref()?;
        let mut insns = program.insns().to_vec();
        for insn in insns.iter_mut().filter(|insn| is_marked(insn)) {
            let Some((_, name)) = MARKS.iter().find(|(mark, _)| insn.imm == *mark) else {
                continue;
            };
            insn.set_src_reg(KFUNC);
            insn.imm = types.number(name)?;
        }
        // SAFETY: the program is live and not loaded; libbpf copies as many instructions as it is given.
        let result = unsafe {
            libbpf_sys::bpf_program__set_insns(
                program.as_libbpf_object().as_ptr(),
                insns.as_mut_ptr(),
                insns.len() as libbpf_sys::size_t,
            )
        };
        if result != 0 {
            return Err(format!("cannot change a program's code: error {}", -result));
        }
    }
    Ok(())
}

/// The kernel's types.
struct Types(Btf<'static>);

impl Types {
    fn read() -> Result<Self, String> {
        Btf::from_vmlinux()
            .map(Self)
            .map_err(|error| format!("the kernel's types cannot be read: {error}"))
    }

    /// The number of a function that takes one argument.
    fn number(&self, name: &str) -> Result<i32, String> {
        let func = self.0.type_by_name::<Func<'_>>(name);
        let func = func.ok_or_else(|| format!("the kernel has no function {name} for programs"))?;
        let proto = func
            .next_type()
            .and_then(|proto| FuncProto::try_from(proto).ok());
        match proto.map(|proto| proto.len()) {
            Some(1) => i32::try_from(u32::from(func.type_id())).map_err(|error| error.to_string()),
            _ => Err(format!("the kernel's {name} is of another kind")),
        }
    }
}
