// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whether memory is kept for who needs such a block next. Sanitizers must see every block's own life.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TROUPE_RECYCLE_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define TROUPE_RECYCLE_BLOCKS 0
#endif
#endif
#ifndef TROUPE_RECYCLE_BLOCKS
#define TROUPE_RECYCLE_BLOCKS 1
#endif
