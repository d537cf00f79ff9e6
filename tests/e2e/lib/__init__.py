"""Real parts for end-to-end tests: private libvirt, bare-metal guests, the daemon, ssh clients."""
