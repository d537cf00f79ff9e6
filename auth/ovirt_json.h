/*
 * The answers of ovirt-vmconsole's helper commands (its README.API, JSON version 1):
 *   {"version":1,"content":"key_list","keys":[{"entityid":..,"entity":..,"key":..}]}
 *   {"version":1,"content":"console_list","consoles":[{"vmid":..,"vm":..,"host":..,"console":..}]}
 * Every member named here must be there, of its type and not empty; further ones are ignored.
 */
#ifndef AUTH_OVIRT_JSON_H
#define AUTH_OVIRT_JSON_H

#include "auth/ssh/authfile.h"
#include "auth/identity.h"
#include "core/text/span.h"

#define OVIRT_JSON_MAX (8u << 20) /* bytes of an answer */
#define OVIRT_ENTRIES_MAX 50000
#define OVIRT_TEXT_MAX 1024 /* bytes of one member, but a key's */

struct ovirt_keys;

/*
 * Reads a key_list. A key that is not accepted (weak, unknown type, with options) is told to
 * report, with source as the file and its number as the line, and left out. 0; -EINVAL with *why
 * a constant; -ENOMEM.
 */
int ovirt_keys_create(struct span text, const char *source, auth_report_fn report, void *arg,
	struct ovirt_keys **out, const char **why) __attribute__((warn_unused_result));
void ovirt_keys_destroy(struct ovirt_keys *k);
size_t ovirt_keys_count(const struct ovirt_keys *k);

/* Whose key it is (the first entry with it). 0, -ENOENT, -ENOMEM. */
int ovirt_keys_login(const struct ovirt_keys *k, struct span blob, struct identity **out)
	__attribute__((warn_unused_result));

/* Shared by the logins of one entity, in one thread. */
struct ovirt_consoles;

/* Reads a console_list: the guests an entity may see. 0 with the first reference; -EINVAL with *why
 * a constant; -ENOMEM. */
int ovirt_consoles_create(struct span text, struct ovirt_consoles **out, const char **why)
	__attribute__((warn_unused_result));
struct ovirt_consoles *ovirt_consoles_ref(struct ovirt_consoles *c); /* NULL too */
void ovirt_consoles_unref(struct ovirt_consoles *c);                 /* NULL too */
size_t ovirt_consoles_count(const struct ovirt_consoles *c);
bool ovirt_consoles_has(const struct ovirt_consoles *c, const char *uuid);

#endif
