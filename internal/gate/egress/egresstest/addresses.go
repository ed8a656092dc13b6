// Package egresstest holds the addresses that nothing of ours may call, for the tests of whoever calls addresses that
// others have typed in.
package egresstest

import "strings"

// Refused are hosts that somebody may type, as they stand in an address, to reach what is ours.
var Refused = strings.Fields(`
127.0.0.1 127.0.0.2 127.1.2.3 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 172.16.0.1 172.20.1.1 172.31.255.254 192.168.0.1 192.168.255.255
169.254.0.1 169.254.169.254 169.254.170.2 169.254.255.255 100.64.0.1 100.100.100.200 100.127.255.254 192.0.0.1 192.0.0.8 192.0.0.192 192.0.2.1 198.18.0.1 198.19.255.255
198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 192.175.48.1 192.31.196.1 192.52.193.1
[::] [::1] [::2] [::127.0.0.1] [::7f00:1] [::10.0.0.1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [::ffff:8.8.8.8] [::ffff:0:127.0.0.1]
[64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b::8.8.8.8] [64:ff9b:1::1] [100::1] [2001::1] [2001:0:7f00:1::] [2001:2::1] [2001:10::1] [2001:20::1] [2001:db8::1] [2002:7f00:1::] [2002:a9fe:a9fe::1]
[2002:0a00:0001::] [fc00::1] [fd00::1] [fd00:ec2::254] [fdff:ffff::1] [fe80::1] [fe80::1%25eth0] [fe80::1%25lo] [febf::1] [fec0::1] [ff02::1] [ff05::2] [3fff::1] [5f00::1] [4000::1] [8000::1]
[0:0:0:0:0:0:0:1] [0:0:0:0:0:ffff:7f00:0001] [::ffff:c0a8:1] [2620:4f:8000::1]
localhost localhost. LOCALHOST a.localhost foo.local metadata.google.internal router.lan db.internal host.localdomain intranet name
127.1 127.0.1 0 1 017700000001 2130706433 0x7f000001 0x7f.0.0.1 0x7f.1 0177.0.0.1 00000177.0.0.1 127.0.0.01 127.0.0.1. 1.2.3 10.1 192.168.257 3232235521 0xA9FEA9FE 0251.0376.0251.0376
169.254.43518 [::ffff:127.0.0.1%25x] a..b -a.example a-.example ①②⑦.⓪.⓪.① 127。0。0。1 exa%00mple.org user@127.0.0.1 example.org:80 example.org:22 example.org:8443 example.org:0 example.org:99999 127.0.0.1:443 [::1]:443
`)
