/*
 * The table of all sections and keys. Rows only; what a type means is in config/field.c.
 */
#include "config/keys.h"

#include <stdint.h>
#include <string.h>

#include "config/config.h"

#define MSEC UINT64_C(1000)
#define SECOND (1000 * MSEC)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)

#define PANIC_PATTERNS_MAX 64
#define STATE_DIR_BYTES_MAX 256 /* others are made from it by appending */

/* Offset of a field; a field that has not the row's type does not compile. */
#define FIELD(section, field, ctype)                                                               \
	(offsetof(struct config_##section, field) +                                                \
		0 * sizeof(char[__builtin_types_compatible_p(                                      \
					__typeof__(((struct config_##section *)0)->field), ctype)  \
					? 1                                                        \
					: -1]))
#define ENUM_FIELD(section, field)                                                                 \
	(offsetof(struct config_##section, field) +                                                \
		0 * sizeof(char[sizeof(((struct config_##section *)0)->field) == sizeof(int)       \
					? 1                                                        \
					: -1]))

#define ROW(SECTION, field) .section = SECTION_##SECTION, .name = #field
#define BOOL(s, field) .type = KEY_BOOL, .offset = FIELD(s, field, bool)
#define NUMBER(s, field) .type = KEY_NUMBER, .offset = FIELD(s, field, uint64_t)
#define SIZE(s, field) .type = KEY_SIZE, .offset = FIELD(s, field, uint64_t)
#define DURATION(s, field) .type = KEY_DURATION, .offset = FIELD(s, field, uint64_t)
#define WORD(s, field, list) .type = KEY_WORD, .offset = ENUM_FIELD(s, field), .words = list
#define ESCAPE(s, field) .type = KEY_ESCAPE, .offset = FIELD(s, field, int)
#define TEXT(s, field) .type = KEY_TEXT, .offset = FIELD(s, field, char *)
#define PATH(s, field) .type = KEY_PATH, .offset = FIELD(s, field, char *)
#define URI(s, field) .type = KEY_URI, .offset = FIELD(s, field, char *)
#define LIST(s, field) .type = KEY_LIST, .offset = FIELD(s, field, struct config_list)
#define PATHS(s, field) .type = KEY_PATHS, .offset = FIELD(s, field, struct config_list)
#define WHO(s, field) .type = KEY_WHO, .offset = FIELD(s, field, struct config_list)
#define RIGHTS(s, field) .type = KEY_RIGHTS, .offset = FIELD(s, field, unsigned)
#define ADDRESSES(s, field)                                                                        \
	.type = KEY_ADDRESSES, .offset = FIELD(s, field, struct config_addresses)
#define RELOAD .reloadable = true

/* In the order of enum log_level and enum config_writers. */
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const writers[] = {"one", "many", NULL};
/* In the order of enum config_take. */
static const char *const takes[] = {"wait", "force", NULL};
/* In the order of enum config_record. */
static const char *const records[] = {"auto", "all", "attached", "none", NULL};
_Static_assert(LOG_LEVEL_ERROR == 0 && LOG_LEVEL_DEBUG == 3, "log_levels follows enum log_level");

const char *const config_who_kinds[] = {"key", "cert", "principal", "user", "ticket", "entity",
	"entity-id", "address", "access", NULL};

#define NAMED(list, length, type)                                                                  \
	.named = true, .array = offsetof(struct config, list),                                     \
	.count = offsetof(struct config, length), .size = sizeof(struct type)

const struct section config_sections[SECTION_COUNT] = {
	[SECTION_DAEMON] = {.section = SECTION_DAEMON,
		.name = "daemon",
		.offset = offsetof(struct config, daemon),
		.help = "The service itself."},
	[SECTION_HYPERVISOR] = {.section = SECTION_HYPERVISOR,
		.name = "hypervisor",
		NAMED(hypervisors, hypervisor_count, config_hypervisor),
		.example = "local",
		.help = "One section for each libvirt to connect to, with a name of your choice. "
			"Without any, there is one named local."},
	[SECTION_SSH] = {.section = SECTION_SSH,
		.name = "ssh",
		.offset = offsetof(struct config, ssh),
		.help = "The ssh listener."},
	[SECTION_HTTPS] = {.section = SECTION_HTTPS,
		.name = "https",
		.offset = offsetof(struct config, https),
		.help = "The https listener; without listen there is none."},
	[SECTION_LISTEN] = {.section = SECTION_LISTEN,
		.name = "listen",
		NAMED(listens, listen_count, config_listen),
		.example = "all",
		.help = "One section for each port that carries several protocols, with a name of "
			"your choice; the first byte of a client says which is meant."},
	[SECTION_AUTH] = {.section = SECTION_AUTH,
		.name = "auth",
		.offset = offsetof(struct config, auth),
		.help = "Who is who. What they may do is said in the [access] sections."},
	[SECTION_AUDIT] = {.section = SECTION_AUDIT,
		.name = "audit",
		.offset = offsetof(struct config, audit),
		.help = "The record of who did what."},
	[SECTION_CONSOLE] = {.section = SECTION_CONSOLE,
		.name = "console",
		.offset = offsetof(struct config, console),
		.help = "The guests' consoles and the sessions on them."},
	[SECTION_HISTORY] = {.section = SECTION_HISTORY,
		.name = "history",
		.offset = offsetof(struct config, history),
		.help = "What consoles print, kept on disk below STATE_DIR/journal."},
	[SECTION_DUMP] = {.section = SECTION_DUMP,
		.name = "dump",
		.offset = offsetof(struct config, dump),
		.help = "Crash dumps of guests: what sftp, scp and the verb dumps show."},
	[SECTION_RECORD] = {.section = SECTION_RECORD,
		.name = "record",
		NAMED(records, record_count, config_record_rule),
		.reloadable = true,
		.example = "quiet",
		.help = "One section for each exception from record of [history], with a name of "
			"your choice; the first that names a guest counts."},
	[SECTION_ACCESS] = {.section = SECTION_ACCESS,
		.name = "access",
		NAMED(accesses, access_count, config_access),
		.reloadable = true,
		.example = "guest-owners",
		.help = "One section for each rule, with a name of your choice: who may do what "
			"with which guests. Nothing is allowed that no section allows."},
};

const struct key config_keys[] = {
	{ROW(DAEMON, state_dir), PATH(daemon, state_dir), .max = STATE_DIR_BYTES_MAX,
		.def = "/var/lib/vmconsoled",
		.help = "Folder of what the service keeps: host keys, history, known guests, the "
			"audit. It must be its own, and not writable by others."},
	{ROW(DAEMON, run_dir), PATH(daemon, run_dir), .max = CONFIG_RUN_DIR_MAX,
		.def = "/run/vmconsoled",
		.help = "Folder of the control socket; the same holds for it."},
	{ROW(DAEMON, log_level), WORD(daemon, log_level, log_levels), .def = "info", RELOAD,
		.help = "What is logged: error, warning, info or debug."},
	{ROW(DAEMON, door_user), TEXT(daemon, door_user), .def = "", .example = "vmconsole-door",
		.help = "User that doors run as when the service is started as root; by default "
			"a number that no account has."},

	{ROW(HYPERVISOR, uri), URI(hypervisor, uri), .min = 1, .def = "qemu:///system",
		.help = "libvirt URI of the hypervisor."},
	{ROW(HYPERVISOR, sasl_user), TEXT(hypervisor, sasl_user), .def = "",
		.example = "vmconsoled@host", .help = "User name, where libvirt asks for one."},
	{ROW(HYPERVISOR, sasl_password_file), PATH(hypervisor, sasl_password_file), .def = "",
		.example = "/etc/vmconsoled/sasl_password",
		.help = "File whose first line is the password of sasl_user."},

	{ROW(SSH, listen), ADDRESSES(ssh, listen), .def = "[::]:2222",
		.help = "Addresses to listen on; [::]:PORT takes IPv4 too. Sockets handed over "
			"by systemd are used instead. None by default where a [listen] section "
			"has ssh."},
	{ROW(SSH, host_keys), PATH(ssh, host_keys), .def = "STATE_DIR/hostkeys",
		.help = "Folder of the host keys; missing ones are made at start."},
	{ROW(SSH, login_grace), DURATION(ssh, login_grace), .min = SECOND, .max = HOUR,
		.def = "60s", RELOAD, .help = "Time a client has to log in."},
	{ROW(SSH, max_connections), NUMBER(ssh, max_connections), .min = 1, .max = 100000,
		.def = "1000", RELOAD, .help = "Connections at once."},
	{ROW(SSH, max_unauthenticated), NUMBER(ssh, max_unauthenticated), .min = 1, .max = 100000,
		.def = "300", RELOAD, .help = "Connections at once that have not logged in."},
	{ROW(SSH, max_unauthenticated_per_source), NUMBER(ssh, max_unauthenticated_per_source),
		.min = 1, .max = 100000, .def = "64", RELOAD,
		.help = "Of them, from one address (IPv6: from one /64)."},
	{ROW(SSH, max_unauthenticated_per_net), NUMBER(ssh, max_unauthenticated_per_net), .min = 1,
		.max = 100000, .def = "128", RELOAD,
		.help = "Of them, from one net: an IPv4 /24, an IPv6 /48."},
	{ROW(SSH, early_drop), NUMBER(ssh, early_drop), .max = 100000, .def = "150", RELOAD,
		.help = "From so many such connections on, new ones are refused by chance: 30 of "
			"100 there, all at max_unauthenticated."},
	{ROW(SSH, max_per_source), NUMBER(ssh, max_per_source), .min = 1, .max = 100000,
		.def = "256", RELOAD, .help = "Connections at once from one address."},
	{ROW(SSH, max_channels), NUMBER(ssh, max_channels), .min = 1, .max = 1000, .def = "16",
		RELOAD, .help = "Sessions and transfers at once in one connection."},
	{ROW(SSH, max_auth_tries), NUMBER(ssh, max_auth_tries), .min = 1, .max = 100, .def = "6",
		RELOAD, .help = "Wrong tickets and signatures after which a connection is ended."},
	{ROW(SSH, idle_timeout), DURATION(ssh, idle_timeout), .max = 365 * DAY, .def = "0", RELOAD,
		.help = "A session in which nothing was typed or printed for so long is ended; "
			"0 is never."},
	{ROW(SSH, banner), TEXT(ssh, banner), .def = "", .example = "Authorized users only.%0A",
		RELOAD, .help = "Text shown before login; %0A begins a new line."},

	{ROW(HTTPS, listen), ADDRESSES(https, listen), .def = "", .example = "[::]:54322",
		.help = "Addresses to listen on for https; [::]:PORT takes IPv4 too."},
	{ROW(HTTPS, certificate), PATH(https, certificate), .def = "",
		.example = "/etc/vmconsoled/https.crt",
		.help = "PEM file of the server's certificate and those that lead to its CA."},
	{ROW(HTTPS, key), PATH(https, key), .def = "", .example = "/etc/vmconsoled/https.key",
		.help = "PEM file of its private key, readable for the service alone. A key of its "
			"own: VDSM's opens more than consoles."},
	{ROW(HTTPS, upstream), TEXT(https, upstream), .def = "",
		.example = "https://127.0.0.1:8443", RELOAD,
		.help = "Server that gets all requests which are not for vmconsoled, from those "
			"with "
			"the right forward: http://ADDRESS:PORT, https://ADDRESS:PORT, or "
			"unix:/PATH."},
	{ROW(HTTPS, upstream_ca), PATH(https, upstream_ca), .def = "",
		.example = "/etc/pki/vdsm/certs/cacert.pem", RELOAD,
		.help = "PEM file of the authorities that sign the certificate of an upstream of "
			"https://."},
	{ROW(HTTPS, upstream_certificate), PATH(https, upstream_certificate), .def = "",
		.example = "/etc/pki/vdsm/certs/vdsmcert.pem", RELOAD,
		.help = "PEM file of the certificate that such an upstream is shown, and those "
			"that "
			"lead to its CA."},
	{ROW(HTTPS, upstream_key), PATH(https, upstream_key), .def = "",
		.example = "/etc/vmconsoled/upstream.key", RELOAD,
		.help = "PEM file of its private key, readable for the service alone. The process "
			"that parses requests never has it."},
	{ROW(HTTPS, upstream_name), TEXT(https, upstream_name), .def = "",
		.example = "host1.example.com", RELOAD,
		.help = "Name that the certificate of such an upstream must have; by default its "
			"address."},
	{ROW(HTTPS, upstream_timeout), DURATION(https, upstream_timeout), .min = SECOND, .max = DAY,
		.def = "5m", RELOAD,
		.help = "How long the upstream may be silent before a request to it is given up."},
	{ROW(HTTPS, ssh_key_time), DURATION(https, ssh_key_time), .max = DAY, .def = "1h", RELOAD,
		.help = "How long a key is good for ssh that a client certificate has deposited by "
			"POST /sshKey; 0 is never."},
	{ROW(HTTPS, console_auth), LIST(https, console_auth), .min = 1, .max = 3,
		.def = "certificate, ticket", RELOAD,
		.help = "What a client may be known by in requests for consoles: certificate, "
			"ticket; none: by its address alone."},
	{ROW(HTTPS, dump_auth), LIST(https, dump_auth), .min = 1, .max = 3,
		.def = "certificate, ticket", RELOAD,
		.help = "The same in requests for crash dumps."},
	{ROW(HTTPS, rpc_auth), LIST(https, rpc_auth), .min = 1, .max = 2, .def = "certificate",
		RELOAD,
		.help = "The same in requests for the upstream: certificate, none. A ticket is for "
			"one VM."},

	{ROW(LISTEN, address), ADDRESSES(listen, address), .min = 1, .example = "[::]:54321",
		.help = "Addresses to listen on, as in [ssh]; for http unix:/PATH too. Sockets "
			"that systemd hands over under the section's name are used instead."},
	{ROW(LISTEN, protocols), LIST(listen, protocols), .min = 1, .max = 3, .def = "ssh, https",
		.help = "What is served there: ssh, https or both, for https with the key and "
			"certificate of [https]; or http alone: without TLS, on unix sockets "
			"and loopback addresses only."},
	{ROW(LISTEN, group), TEXT(listen, group), .def = "", .example = "www-data",
		.help = "Group whose members may connect to its unix sockets, beside root and the "
			"service's own user."},
	{ROW(LISTEN, sniff_timeout), DURATION(listen, sniff_timeout), .min = 100 * MSEC,
		.max = 30 * SECOND, .def = "2s",
		.help = "A client that has said nothing for so long waits for the server to speak "
			"first: it gets ssh."},

	{ROW(AUTH, authorized_keys), PATHS(auth, authorized_keys), .def = "",
		.example = "/etc/vmconsoled/authorized_keys, /etc/vmconsoled/keys/*.pub", RELOAD,
		.help = "Files of public keys in OpenSSH's authorized_keys format, or globs of "
			"them."},
	{ROW(AUTH, vdsm_certificates), PATHS(auth, vdsm_certificates), .def = "",
		.example = "/etc/pki/vdsm/certs", RELOAD,
		.help = "X.509 certificates (PEM) whose keys may log in over ssh: files, folders, "
			"globs."},
	{ROW(AUTH, vdsm_ca), PATHS(auth, vdsm_ca), .def = "",
		.example = "/etc/pki/vdsm/certs/cacert.pem", RELOAD,
		.help = "Certificates of the authorities that vdsm_certificates must chain to."},
	{ROW(AUTH, vdsm_crl), PATHS(auth, vdsm_crl), .def = "",
		.example = "/etc/vmconsoled/crl.pem", RELOAD,
		.help = "Revocation lists of these authorities; with one, each needs a current "
			"one."},
	{ROW(AUTH, ssh_user_ca), PATHS(auth, ssh_user_ca), .def = "",
		.example = "/etc/vmconsoled/ssh_user_ca.pub", RELOAD,
		.help = "Public keys of the authorities that sign OpenSSH user certificates."},
	{ROW(AUTH, revoked_keys), PATHS(auth, revoked_keys), .def = "",
		.example = "/etc/vmconsoled/revoked.krl", RELOAD,
		.help = "OpenSSH revocation lists, or lists of public keys: none of them logs in."},
	{ROW(AUTH, vdsm_tickets), BOOL(auth, vdsm_tickets), .def = "no", RELOAD,
		.help = "Whether the password that VDSM's setVmTicket gave a guest's graphics is a "
			"ticket for its console."},
	{ROW(AUTH, key_command), TEXT(auth, key_command), .def = "",
		.example = "/usr/libexec/vmconsoled/keys --version={version} keys", RELOAD,
		.help = "Command that lists keys as ovirt-vmconsole's key_list does."},
	{ROW(AUTH, console_command), TEXT(auth, console_command), .def = "",
		.example = "/usr/libexec/vmconsoled/keys --version={version} consoles "
			   "--entityid={entityid}",
		RELOAD,
		.help = "Command that lists the guests of one entity as ovirt-vmconsole's "
			"console_list does."},
	{ROW(AUTH, command_timeout), DURATION(auth, command_timeout), .min = 100 * MSEC,
		.max = 60 * SECOND, .def = "10s", RELOAD,
		.help = "Time after which such a command is killed."},
	{ROW(AUTH, command_cache), DURATION(auth, command_cache), .max = DAY, .def = "30s", RELOAD,
		.help = "How long its answer is used."},
	{ROW(AUTH, penalty), DURATION(auth, penalty), .max = 60 * SECOND, .def = "500ms",
		.help = "Delay after the first wrong ticket from a source; doubled by each further "
			"one; 0 is none."},
	{ROW(AUTH, penalty_max), DURATION(auth, penalty_max), .min = MSEC,
		.max = UINT64_C(10) * 60 * SECOND, .def = "10s", .help = "The longest such delay."},
	{ROW(AUTH, penalty_forget), DURATION(auth, penalty_forget), .min = SECOND, .max = DAY,
		.def = "60s", .help = "Quiet time after which one failure is forgotten."},
	{ROW(AUTH, penalty_refuse), NUMBER(auth, penalty_refuse), .max = 1000000, .def = "50",
		.help = "Failures from which on a source's connections are refused; 0 is never."},
	{ROW(AUTH, penalty_sources), NUMBER(auth, penalty_sources), .min = 64, .max = 1048576,
		.def = "65536", .help = "Sources whose failures are remembered at once."},

	{ROW(AUDIT, file), PATH(audit, file), .def = "STATE_DIR/audit.jsonl",
		.help = "File of the audit's records, one JSON object a line."},
	{ROW(AUDIT, rotate_size), SIZE(audit, rotate_size), .min = 4 * KIB,
		.max = UINT64_C(1024) * 1024 * MIB, .def = "64M", RELOAD,
		.help = "Size at which a new file is begun."},
	{ROW(AUDIT, rotate_keep), NUMBER(audit, rotate_keep), .min = 1, .max = 99, .def = "9",
		RELOAD, .help = "Older files that are kept, as FILE.1 to FILE.N."},
	{ROW(AUDIT, strict), BOOL(audit, strict), .def = "no", RELOAD,
		.help = "Whether a login is refused when its record cannot be written."},

	{ROW(CONSOLE, escape), ESCAPE(console, escape), .def = "^]", RELOAD,
		.help = "Escape character of sessions on a terminal, or none."},
	{ROW(CONSOLE, linger), DURATION(console, linger), .max = HOUR, .def = "1s", RELOAD,
		.help = "A session whose input has ended goes on until nothing was printed for so "
			"long."},
	{ROW(CONSOLE, linger_max), DURATION(console, linger_max), .max = DAY, .def = "1h", RELOAD,
		.help = "The longest such a session goes on while the guest prints; 0 is no "
			"limit."},
	{ROW(CONSOLE, history_memory), SIZE(console, history_memory), .min = 64 * KIB,
		.max = 64 * MIB, .def = "1M", RELOAD,
		.help = "Output of each console that is kept in memory."},
	{ROW(CONSOLE, keep_open), DURATION(console, keep_open), .max = 365 * DAY, .def = "10m",
		RELOAD,
		.help = "How long a console stays open after its last viewer left, recorded and "
			"ready."},
	{ROW(CONSOLE, writers), WORD(console, writers, writers), .def = "one", RELOAD,
		.help = "How many may type into a console at once: one or many."},
	{ROW(CONSOLE, take), WORD(console, take, takes), .def = "wait", RELOAD,
		.help = "A console that another client of the hypervisor holds: wait until it is "
			"free, or take it by force."},
	{ROW(CONSOLE, unix_dirs), PATHS(console, unix_dirs),
		.def = "/run/ovirt-vmconsole-console, /var/run/ovirt-vmconsole-console", RELOAD,
		.help = "Folders below which the socket of a console of type unix may lie."},
	{ROW(CONSOLE, panic_patterns), LIST(console, panic_patterns), .max = PANIC_PATTERNS_MAX,
		.def = "Kernel panic - not syncing, kernel BUG at, BUG: unable to handle, "
		       "BUG: kernel NULL pointer, BUG: soft lockup, Oops:%20, "
		       "Internal error: Oops, general protection fault, Fatal trap%20, "
		       "panic:%20, *** STOP: 0x, CLASSNAME=%22BLUESCREEN%22",
		RELOAD,
		.help = "Texts that are marked in the history when a guest prints them. A guest "
			"can print anything: nothing else follows from them."},
	{ROW(CONSOLE, on_panic), PATH(console, on_panic), .def = "",
		.example = "/usr/local/sbin/guest-has-panicked", RELOAD,
		.help = "Program to run when the hypervisor says that a guest has panicked, with "
			"its UUID, name and offset."},
	{ROW(CONSOLE, max_waits), NUMBER(console, max_waits), .min = 1, .max = 4096, .def = "256",
		RELOAD, .help = "Waits for output (the verb wait, and send --wait) at once."},
	{ROW(CONSOLE, max_waits_per_user), NUMBER(console, max_waits_per_user), .min = 1,
		.max = 4096, .def = "128", RELOAD, .help = "The same, of one identity."},

	{ROW(HISTORY, record), WORD(history, record, records), .def = "auto", RELOAD,
		.help = "Which consoles are recorded: all of running guests, those attached to, "
			"none; auto is all for pty consoles and attached for unix ones."},
	{ROW(HISTORY, size), SIZE(history, size), .min = MIB, .max = UINT64_C(1) << 44,
		.def = "64M", RELOAD, .help = "Files of one console."},
	{ROW(HISTORY, total), SIZE(history, total), .max = UINT64_C(1) << 50, .def = "0", RELOAD,
		.help = "Files of all consoles; 0 is no limit."},
	{ROW(HISTORY, age), DURATION(history, age), .max = 3650 * DAY, .def = "0", RELOAD,
		.help = "How long output is kept; 0 is for ever."},

	{ROW(DUMP, directories), PATHS(dump, directories),
		.def = "/var/lib/libvirt/qemu/dump, /var/log/core", RELOAD,
		.help = "Folders in which the hypervisors put dumps: auto_dump_path of libvirt's "
			"qemu.conf. None is shown of a folder that does not exist."},
	{ROW(DUMP, store), PATH(dump, store), .def = "STATE_DIR/dumps",
		.help = "Folder of the dumps that the verb dump makes; shown as the others."},
	{ROW(DUMP, max_parallel), NUMBER(dump, max_parallel), .min = 1, .max = 8, .def = "2",
		RELOAD, .help = "Dumps that are made at once; of one guest it is one."},
	{ROW(DUMP, size), SIZE(dump, size), .max = UINT64_C(1) << 50, .def = "0", RELOAD,
		.help = "Dumps of one guest in store: the oldest make room; 0 is no limit."},
	{ROW(DUMP, total), SIZE(dump, total), .max = UINT64_C(1) << 50, .def = "0", RELOAD,
		.help = "Dumps of all guests in store; 0 is no limit."},
	{ROW(DUMP, age), DURATION(dump, age), .max = 3650 * DAY, .def = "0", RELOAD,
		.help = "How long a dump in store is kept; 0 is for ever."},

	{ROW(RECORD, vms), LIST(record_rule, vms), .min = 1, .example = "build-*", RELOAD,
		.help = "Guests, as in an [access] section."},
	{ROW(RECORD, record), WORD(record_rule, record, records), .example = "none", RELOAD,
		.help = "all, attached, none or auto."},

	{ROW(ACCESS, who), WHO(access, who), .min = 1, .example = "key:SHA256:*, user:operator",
		RELOAD,
		.help = "Whom the rule is for: KIND:PATTERN with the kinds key, cert, principal, "
			"user, ticket, entity, entity-id, address, access; or ticket alone."},
	{ROW(ACCESS, vms), LIST(access, vms), .min = 1, .example = "web-*", RELOAD,
		.help = "Guests: by UUID, by a pattern of the name, hypervisor:PATTERN, "
			"group:PATTERN."},
	{ROW(ACCESS, allow), RIGHTS(access, allow), .min = 1, .example = "view, type, log", RELOAD,
		.help = "Rights: view, type, force, control, log, dump-make, dump-get, "
			"dump-delete, admin, forward, power, metrics."},
	{ROW(ACCESS, require), TEXT(access, require), .def = "", .example = "key+ticket", RELOAD,
		.help = "Factors that a login must all have proved, joined by +."},
	{ROW(ACCESS, lines), NUMBER(access, lines), .max = 200, .def = "200", RELOAD,
		.help = "Lines of history that a session on a terminal begins with unless it says "
			"how many, at most; 0 is none."},
};
const size_t config_key_count = sizeof(config_keys) / sizeof(config_keys[0]);

const struct section *section_find(const char *name)
{
	for (size_t i = 0; i < SECTION_COUNT; i++) {
		if (strcmp(config_sections[i].name, name) == 0)
			return &config_sections[i];
	}
	return NULL;
}

const struct key *key_find(enum config_section section, const char *name)
{
	for (size_t i = 0; i < config_key_count; i++) {
		if (config_keys[i].section == section && strcmp(config_keys[i].name, name) == 0)
			return &config_keys[i];
	}
	return NULL;
}

size_t section_instances(const struct config *c, enum config_section section)
{
	const struct section *s = &config_sections[section];

	return s->named ? *(const size_t *)((const char *)c + s->count) : 1;
}

void *section_struct(const struct config *c, enum config_section section, size_t i)
{
	const struct section *s = &config_sections[section];
	char *base = (char *)(uintptr_t)c;

	return s->named ? *(char **)(base + s->array) + i * s->size : base + s->offset;
}
