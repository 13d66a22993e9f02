//! The stream cipher and the authenticator that files are opened and sealed with, beside the RustCrypto crates and a
//! plain copy of the same bytes: `make bench-primitives`. Each pass does a whole message: key set-up, data, tag.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use saltbridge::authenticator::Authenticator;
use saltbridge::sodium::{self, StreamCipher};

/// What fits the first cache, the second, and neither of small ones.
const SIZES: [usize; 3] = [1 << 10, 64 << 10, 1 << 20];
const KEY: [u8; 32] = [7; 32];
const NONCE: [u8; 24] = [9; 24];

criterion_group!(benches, xsalsa20, poly1305, copy);
criterion_main!(benches);

fn xsalsa20(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("XSalsa20");
    for size in SIZES {
        let mut data = vec![1; size];
        measure(&mut group, "saltbridge", size, || StreamCipher::new(&KEY, &NONCE).apply(0, black_box(&mut data)));
        measure(&mut group, "salsa20 crate", size, || {
            XSalsa20::new(&KEY.into(), &NONCE.into()).apply_keystream(black_box(&mut data));
        });
    }
}

fn poly1305(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("Poly1305");
    for size in SIZES {
        let data = vec![1; size];
        measure(&mut group, "saltbridge", size, || {
            let mut authenticator = Authenticator::new(&KEY);
            authenticator.update(black_box(&data));
            authenticator.finish()
        });
        measure(&mut group, "libsodium", size, || {
            let mut poly1305 = sodium::Poly1305::new(&KEY);
            poly1305.update(black_box(&data));
            poly1305.finish()
        });
        measure(&mut group, "poly1305 crate", size, || Poly1305::new(&KEY.into()).compute_unpadded(black_box(&data)));
    }
}

fn copy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("copy");
    for size in SIZES {
        let from = vec![1_u8; size];
        let mut to = vec![0; size];
        measure(&mut group, "memcpy", size, || black_box(&mut to).copy_from_slice(black_box(&from)));
    }
}

fn measure<T>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, size: usize, mut pass: impl FnMut() -> T) {
    group.throughput(Throughput::Bytes(size as u64));
    group.bench_function(BenchmarkId::new(name, size), |bencher| bencher.iter(&mut pass));
}
