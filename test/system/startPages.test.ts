import { expect, test } from "bun:test";
import { codeOf } from "../../src/system/startPages.io.ts";

const MAPS = `00200000-01a39000 r--p 00000000 fe:00 1446 /usr/bin/statsd-proxy
01a40000-0684a000 r-xp 01839000 fe:00 1446                             /usr/bin/statsd-proxy
0684b000-06867000 r--p 06643000 fe:00 1446                             /usr/bin/statsd-proxy
06867000-06a77000 rw-p 0665e000 fe:00 1446                             /usr/bin/statsd-proxy
06a80000-06a81000 rwxp 0665e000 fe:00 1446                             /usr/bin/statsd-proxy
7fa6d0835000-7fa6d098b000 r-xp 00026000 fe:00 99                       /usr/lib/libc.so.6
7fa6d0835000-7fa6d098b000 r-xp 00026000 fe:00 99                       /usr/bin/statsd-proxy (deleted)
7ffd81b43000-7ffd81b64000 rw-p 00000000 00:00 0                        [stack]
7ffd81bf6000-7ffd81bf8000 r-xp 00000000 00:00 0                        [vdso]
`;

test("the code of the executable is what is mapped from it to be run, and neither data nor what may be written", () => {
  expect(codeOf("/usr/bin/statsd-proxy", MAPS)).toEqual([{ at: 0x1a40000, bytes: 0x684a000 - 0x1a40000 }]);
});

test.each(["", "nonsense", "1-2"])("of %j there is none", (maps) => {
  expect(codeOf("/usr/bin/statsd-proxy", maps)).toEqual([]);
});
