// SPDX-License-Identifier: Apache-2.0
#pragma once

/// \file
/// The layout that a program and the installed library must have in common. _GLIBCXX_DEBUG gives the standard
/// containers another layout and other names, and they are in the library's interface. The package tells, by
/// TROUPE_GLIBCXX_DEBUG, how its library was built.

#if defined(TROUPE_GLIBCXX_DEBUG)
#if defined(_GLIBCXX_DEBUG) && !TROUPE_GLIBCXX_DEBUG
#error troupe: the installed library was built without _GLIBCXX_DEBUG, which changes the layout of the standard \
containers. Build the library with it too (cmake -DCMAKE_CXX_FLAGS=-D_GLIBCXX_DEBUG), or the program without it; \
_GLIBCXX_ASSERTIONS checks a lot and changes no layout.
#elif !defined(_GLIBCXX_DEBUG) && TROUPE_GLIBCXX_DEBUG
#error troupe: the installed library was built with _GLIBCXX_DEBUG, which changes the layout of the standard \
containers. Build the program with it too, or the library without it.
#endif
#endif
