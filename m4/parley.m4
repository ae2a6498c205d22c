dnl PARLEY_SWITCHES: the switches of configure that change how the program is compiled.
AC_DEFUN([PARLEY_SWITCHES], [
AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
	[warnings are errors (for developers)])], [], [enable_werror=no])
AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening],
	[no stack protector, PIE, relro and the like])], [], [enable_hardening=yes])
AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing],
	[tests/fuzz become libFuzzer programs (needs clang)])], [], [enable_fuzzing=no])
AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage],
	[count what the tests run, for gcov])], [], [enable_coverage=no])
AC_ARG_WITH([sanitizer], [AS_HELP_STRING([--with-sanitizer@<:@=LIST@:>@],
	[compile with sanitizers @<:@address,undefined@:>@])], [], [with_sanitizer=no])
AS_IF([test "x$with_sanitizer" = xyes], [with_sanitizer=address,undefined])
AM_CONDITIONAL([FUZZING], [test "x$enable_fuzzing" = xyes])
])

dnl PARLEY_TRY_FLAGS(VARIABLE, FLAGS): adds those of the flags that compiler and linker take.
AC_DEFUN([PARLEY_TRY_FLAGS], [
for flag in m4_normalize([$2]); do
	AC_MSG_CHECKING([whether $CC takes $flag])
	parley_cflags=$CFLAGS
	CFLAGS="$CFLAGS -Werror $flag"
	AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
		[AC_MSG_RESULT([yes])
		AS_VAR_APPEND([$1], [" $flag"])],
		[AC_MSG_RESULT([no])])
	CFLAGS=$parley_cflags
done
])

dnl PARLEY_NEED_FLAGS(VARIABLE, FLAGS, SWITCH): adds all of them, or ends when they do not work.
AC_DEFUN([PARLEY_NEED_FLAGS], [
parley_cflags=$CFLAGS
CFLAGS="$CFLAGS $2"
AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
	[AS_VAR_APPEND([$1], [" $2"])],
	[AC_MSG_ERROR([$3: $CC does not take $2])])
CFLAGS=$parley_cflags
])

dnl PARLEY_COMPILER_FLAGS: WARN_CFLAGS, HARD_CFLAGS and HARD_LDFLAGS, SAN_CFLAGS (compiling and linking).
AC_DEFUN([PARLEY_COMPILER_FLAGS], [
PARLEY_TRY_FLAGS([WARN_CFLAGS], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
	-Wvla -Wformat=2 -Wwrite-strings -Wundef])
AS_IF([test "x$enable_werror" = xyes], [AS_VAR_APPEND([WARN_CFLAGS], [" -Werror"])])

AS_IF([test "x$enable_hardening" = xyes], [
	PARLEY_TRY_FLAGS([HARD_CFLAGS], [-fstack-protector-strong -fstack-clash-protection
		-fcf-protection])
	PARLEY_TRY_FLAGS([HARD_LDFLAGS], [-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack])
	PARLEY_NEED_FLAGS([HARD_LINK], [-fPIE -pie], [--disable-hardening])
	AS_VAR_APPEND([HARD_CFLAGS], [" -fPIE"])
	AS_VAR_APPEND([HARD_LDFLAGS], [" -pie"])
	dnl It needs optimising, is not ours to repeat, and hides from sanitizers what they would see.
	AS_IF([test "x$with_sanitizer" = xno && test "x$enable_fuzzing" = xno], [
		AC_COMPILE_IFELSE([AC_LANG_SOURCE([
			#if !defined __OPTIMIZE__ || defined _FORTIFY_SOURCE
			#error not now
			#endif
		])], [AS_VAR_APPEND([HARD_CFLAGS], [" -D_FORTIFY_SOURCE=2"])])
	])
])

AS_IF([test "x$with_sanitizer" != xno], [
	PARLEY_NEED_FLAGS([SAN_CFLAGS], [-fsanitize=$with_sanitizer], [--with-sanitizer])
	PARLEY_TRY_FLAGS([SAN_CFLAGS], [-fno-omit-frame-pointer])
	dnl What is undefined shall end a test, not only be told.
	AS_CASE([,$with_sanitizer,], [*,undefined,*],
		[PARLEY_TRY_FLAGS([SAN_CFLAGS], [-fno-sanitize-recover=undefined])])
])
AS_IF([test "x$enable_fuzzing" = xyes], [
	PARLEY_NEED_FLAGS([SAN_CFLAGS], [-fsanitize=fuzzer-no-link], [--enable-fuzzing])
])
AS_IF([test "x$enable_coverage" = xyes], [
	PARLEY_NEED_FLAGS([SAN_CFLAGS], [--coverage], [--enable-coverage])
])

AC_SUBST([WARN_CFLAGS])
AC_SUBST([HARD_CFLAGS])
AC_SUBST([HARD_LDFLAGS])
AC_SUBST([SAN_CFLAGS])
])
