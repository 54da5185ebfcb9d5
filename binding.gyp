{
  "targets": [
    {
      "target_name": "timeball",
      "sources": [
        "addon/addon.cc",
        "addon/bind/args.cc",
        "addon/bind/arrivals.cc",
        "addon/bind/clock.cc",
        "addon/bind/datagram.cc",
        "addon/bind/environment.cc",
        "addon/bind/nic.cc",
        "addon/bind/phc.cc",
        "addon/bind/pps.cc",
        "addon/bind/process.cc",
        "addon/bind/rtc.cc",
        "addon/bind/shm.cc",
        "addon/bind/syslog.cc",
        "addon/bind/udpclient.cc",
        "addon/bind/udpset.cc",
        "addon/sys/addresses.cc",
        "addon/sys/arrivals.cc",
        "addon/sys/caps.cc",
        "addon/sys/ethtool.cc",
        "addon/sys/nic.cc",
        "addon/sys/mac.cc",
        "addon/sys/notify.cc",
        "addon/sys/phc.cc",
        "addon/sys/pps.cc",
        "addon/sys/pty.cc",
        "addon/sys/rtc.cc",
        "addon/sys/sched.cc",
        "addon/sys/shm.cc",
        "addon/sys/status.cc",
        "addon/sys/syslog.cc",
        "addon/sys/timex.cc",
        "addon/sys/udp.cc",
        "addon/sys/udpclient.cc",
        "addon/sys/udp_errqueue.cc",
        "addon/sys/udp_open.cc",
        "addon/sys/udp_set.cc",
        "addon/sys/unixdgram.cc"
      ],
      "dependencies": ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except_all"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "_GNU_SOURCE",
        "_TIME_BITS=64",
        "_FILE_OFFSET_BITS=64"
      ],
      "cflags": ["-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "cflags_cc": ["-std=c++17"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "ldflags": ["-pthread", "-Wl,-z,nodelete"]
    }
  ]
}
