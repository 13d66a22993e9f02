use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::*;

/// The lengths at which a chunk is empty, begun, full, and just more than full.
const LENGTHS: [usize; 8] =
    [0, 1, 1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 5 * CHUNK_BYTES + 7];

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn every_byte_goes_through_once_in_order_and_knows_its_position() {
    for length in LENGTHS {
        for threads in 1..=5 {
            // What is expected need not be right: the file may have grown, or shrunk, or be a pipe.
            for (size, before) in [
                (None, 0),
                (Some(length), 0),
                (Some(length), 48),
                (Some(length / 2), 48),
                (Some(length * 2), 0),
                (Some(0), 48),
            ] {
                let input = content(length);
                let mut rest = input.as_slice();
                let mut output = Vec::new();
                let mut seen = 0;
                let total = run(
                    Threads::new(threads),
                    Expected {
                        size: size.map(|size| size as u64),
                        before,
                    },
                    || (),
                    |chunk| super::super::input::fill(&mut rest, chunk),
                    |position, chunk| {
                        let first = usize::try_from(position).unwrap() % 251;
                        assert_eq!(chunk.first().copied().map(usize::from), Some(first));
                        chunk.iter_mut().for_each(|byte| *byte = !*byte);
                    },
                    |chunk| seen += chunk.len(),
                    |chunk| {
                        output.extend_from_slice(chunk);
                        Ok(())
                    },
                );
                assert_eq!((total.unwrap(), seen), (length as u64, length));
                let expected: Vec<_> = input.iter().map(|byte| !byte).collect();
                assert!(output == expected, "{length} bytes, {threads} threads, {size:?} expected");
            }
        }
    }
}

#[test]
fn a_short_input_takes_no_more_memory_than_its_length() {
    let mut longest = 0;
    let enter = |chunk: &mut [u8]| {
        longest = longest.max(chunk.len());
        Ok::<_, ()>(0)
    };
    run(
        Threads::ONE,
        Expected {
            size: Some(10),
            before: 0,
        },
        || (),
        enter,
        |_, _| (),
        |_| (),
        |_| Ok(()),
    )
    .unwrap();
    assert_eq!(longest, LEAST_BYTES);
}

#[test]
fn the_first_failure_is_told_and_nothing_leaves_after_it() {
    for threads in 1..=4 {
        for failing in 0..6 {
            let mut left = 0;
            let mut entered = 0;
            let result = run(
                Threads::new(threads),
                Expected::default(),
                || (),
                |chunk| {
                    entered += 1;
                    Ok(if entered > 20 { 0 } else { chunk.len() })
                },
                |_, _| (),
                |_| (),
                |_| {
                    left += 1;
                    if left > failing { Err("full") } else { Ok(()) }
                },
            );
            assert_eq!(result, Err("full"));
            assert_eq!(left, failing + 1, "{threads} threads");
            assert!(entered <= failing + 1 + threads, "{threads} threads, {entered} chunks");

            let mut entered = 0;
            let mut left = 0;
            let result = run(
                Threads::new(threads),
                Expected::default(),
                || (),
                |chunk| {
                    entered += 1;
                    if entered > failing {
                        Err("unreadable")
                    } else {
                        Ok(chunk.len())
                    }
                },
                |_, _| (),
                |_| (),
                |_| {
                    left += 1;
                    Ok(())
                },
            );
            assert_eq!(result, Err("unreadable"));
            assert_eq!(entered, failing + 1);
            assert!(left <= failing);
        }
    }
}

#[test]
fn a_panic_in_any_stage_ends_it_and_is_passed_on() {
    for threads in 1..=4 {
        for stage in 0..4 {
            let calls = AtomicUsize::new(0);
            let panic_in = |own: usize| {
                assert!(own != stage || calls.fetch_add(1, Ordering::Relaxed) < 3, "a bug");
            };
            let mut entered = 0;
            let result = catch_unwind(AssertUnwindSafe(|| {
                run(
                    Threads::new(threads),
                    Expected::default(),
                    || (),
                    |chunk| {
                        panic_in(0);
                        entered += 1;
                        Ok::<_, ()>(if entered > 20 { 0 } else { chunk.len() })
                    },
                    |_, _| panic_in(1),
                    |_| panic_in(2),
                    |_| {
                        panic_in(3);
                        Ok(())
                    },
                )
            }));
            assert!(result.is_err(), "{threads} threads, stage {stage}");
        }
    }
}

#[test]
fn while_one_thread_waits_for_a_slow_pipe_the_others_finish_what_they_have() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let (left, seen) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            run(
                Threads::new(2),
                Expected::default(),
                || (),
                |chunk| {
                    reader
                        .by_ref()
                        .take(CHUNK_BYTES as u64)
                        .read_exact(chunk)
                        .map(|()| chunk.len())
                },
                |_, _| (),
                |_| (),
                |chunk| {
                    left.send(chunk.len()).unwrap();
                    Ok(())
                },
            )
        });
        std::io::Write::write_all(&mut writer, &content(CHUNK_BYTES)).unwrap();
        // The next chunk never comes, and the first has left nevertheless.
        assert_eq!(seen.recv_timeout(Duration::from_secs(60)).unwrap(), CHUNK_BYTES);
        drop(writer);
    });
}

#[test]
fn threads_are_as_many_as_can_be_of_use() {
    let eight = Threads::new(8);
    let chunk = CHUNK_BYTES as u64;
    for (size, threads) in [(0, 1), (1, 1), (chunk, 1), (chunk + 1, 2), (3 * chunk, 3), (1 << 40, MOST_THREADS)] {
        assert_eq!(eight.of_use(Some(size)), threads, "{size} bytes");
    }
    assert_eq!(eight.of_use(None), MOST_THREADS);
    assert_eq!(Threads::ONE.of_use(None), 1);
    assert_eq!(Threads::new(0), Threads::ONE);
    assert!(Threads::all().count() >= 1);
}
