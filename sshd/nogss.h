/*
 * Keeps Kerberos out of a door.
 *
 * libssh answers a "gssapi-with-mic" login, offered or not, by calling into the Kerberos library
 * before anybody is known: code that parses tickets, opens files and asks name servers. Its first
 * step is gss_indicate_mechs; this program has a function of that name, which the dynamic linker
 * finds first, and which knows no mechanism once gss_refuse has been called. Until then, and in
 * other processes of this program, it passes the call on.
 */
#ifndef SSHD_NOGSS_H
#define SSHD_NOGSS_H

void gss_refuse(void);

#endif
