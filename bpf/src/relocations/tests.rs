// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is found in an object that is compiled here. Needs clang.

use std::fs;
use std::path::Path;

use super::uses;

/// Programs that name types and maps themselves, in a function that stands in the object once, and in one behind it.
const SOURCE: &str = r#"
#include "core.bpf.h"

#define MAP(name)                                                                                  \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} name SEC(".maps")

MAP(near);
MAP(far);
MAP(other);

common_code void keep_far(__u64 value)
{
	__u32 key = 0;

	value += BPF_CORE_READ((struct file *)value, f_flags);
	bpf_map_update_elem(&far, &key, &value, BPF_ANY);
}

common_code void unrelated(__u64 value)
{
	__u32 key = 0;

	value += BPF_CORE_READ((struct dentry *)value, d_flags);
	bpf_map_update_elem(&other, &key, &value, BPF_ANY);
}

__noinline int pass_on(__u64 value)
{
	keep_far(value);
	return 0;
}

SEC("raw_tp/sys_enter")
int caller(void *ctx)
{
	__u64 value = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), start_time);
	__u32 key = 0;

	bpf_map_update_elem(&near, &key, &value, BPF_ANY);
	return pass_on(value);
}

SEC("raw_tp/sys_exit")
int stranger(void *ctx)
{
	unrelated(bpf_ktime_get_ns());
	return 0;
}
"#;

#[test]
fn what_is_called_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let (source, object) = (dir.path().join("a.bpf.c"), dir.path().join("a.bpf.o"));
    fs::write(&source, SOURCE).unwrap();
    for (rust_arch, arch) in [("x86_64", "x86"), ("aarch64", "arm64")] {
        let mut args = crate::clang_args(rust_arch).unwrap();
        args.push(format!("-D__TARGET_ARCH_{arch}"));
        crate::compile(&source, &object, Path::new("clang"), args).unwrap();
        let uses = uses(&fs::read(&object).unwrap()).unwrap();
        let of = |program: &str| {
            let uses = uses.iter().find(|uses| uses.program == program).unwrap();
            let types: Vec<_> = uses.types.keys().map(String::as_str).collect();
            let maps: Vec<_> = uses.maps.iter().map(String::as_str).collect();
            (types.join(" "), maps.join(" "))
        };
        assert_eq!(
            of("caller"),
            ("file task_struct".to_owned(), "far near".to_owned())
        );
        assert_eq!(of("stranger"), ("dentry".to_owned(), "other".to_owned()));
        assert_eq!(uses.len(), 2, "what is only called is no program");
    }
}

#[test]
fn what_is_no_object_is_refused() {
    assert!(uses(b"").is_err());
    assert!(uses(b"\x7fELF").is_err());
}
