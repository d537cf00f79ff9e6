"""conman in front: conmand holds the console with OpenSSH, its own client types."""

import in_front

CONFIG = in_front.write("conman.conf", f"""
SERVER keepalive=on loopback=on port={in_front.PORT} pidfile="{in_front.FOLDER}/conman.pid"
CONSOLE name="{in_front.VM}" dev="{' '.join(in_front.ATTACH)}" log="{in_front.FOLDER}/conman.log"
""")

in_front.show("conman", server=["/usr/sbin/conmand", "-F", "-c", CONFIG],
              client=["conman", "-d", f"127.0.0.1:{in_front.PORT}", in_front.VM],
              joined="Connection to console .* opened", leave="&.")
