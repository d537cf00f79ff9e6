"""conserver in front: it holds the console with OpenSSH, its own client types."""

import in_front

CONFIG = in_front.write("conserver.cf", f"""
config * {{ sslrequired no; }}
access * {{ trusted 127.0.0.1; }}
default * {{ master localhost; rw *; logfile {in_front.FOLDER}/conserver.log; }}
console {in_front.VM} {{ type exec; exec {' '.join(in_front.ATTACH)}; execrunas {in_front.USER}; }}
""")
PASSWORDS = in_front.write("conserver.passwd", f"{in_front.USER}:*any*\n")

in_front.show("conserver",
              server=["/usr/sbin/conserver", "-E", "-M", "127.0.0.1", "-p", in_front.PORT, "-C", CONFIG,
                      "-P", PASSWORDS],
              client=["console", "-n", "-E", "-M", "127.0.0.1", "-p", in_front.PORT, in_front.VM],
              joined="[Ee]nter .* for help", leave="\x05c.")
