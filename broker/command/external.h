/*
 * ovirt-vmconsole's two helper commands: whose key is it (key_command), and which guests may that
 * entity see (console_command). Answers are cached; who needs one that is not there waits for it.
 * Owned by the broker.
 */
#ifndef BROKER_COMMAND_EXTERNAL_H
#define BROKER_COMMAND_EXTERNAL_H

#include <stdbool.h>

#include "auth/ovirt_json.h"
#include "config/config.h"
#include "core/loop.h"

struct external;

#define EXTERNAL_OUTPUT_MAX OVIRT_JSON_MAX
#define EXTERNAL_RUNNING_MAX 8        /* commands at a time, */
#define EXTERNAL_AGAIN_MAX 4          /* and of them, how many that no login waits for */
#define EXTERNAL_ENTITIES_MAX 512     /* whose answers are cached */
#define EXTERNAL_RETRY_US LOOP_SECOND /* after a failure the command rests for so long */

/* changed is called whenever there is a new answer: what was judged by the old one may be judged
 * again, on a later turn. */
int external_create(
	struct loop *loop, loop_fn changed, void *arg, struct external **out) MUST_CHECK;
void external_destroy(struct external **out);

/* The commands of the configuration; other ones than before forget the answers. 0, -ENOMEM. */
int external_set(struct external *e, const struct config_auth *auth) MUST_CHECK;

bool external_has_keys(const struct external *e);     /* key_command is set */
bool external_has_consoles(const struct external *e); /* console_command is set */

/* The last good answer, or NULL: to be looked at when external_want_keys has called back. */
const struct ovirt_keys *external_keys(const struct external *e);

/* The newest good answer about an entity, or NULL; take a reference to keep it. */
struct ovirt_consoles *external_consoles(
	const struct external *e, const char *entity, const char *entity_id);

/* Asks again whose the keys are, and what this entity may see, however young the answers are:
 * changed follows. Until then, or where it fails, the old answers are there or none. */
void external_ask_again(struct external *e, const char *entity, const char *entity_id);

/*
 * Waits for an answer: done follows, perhaps before the return. For keys: external_keys has them,
 * or still has not. For consoles: list (NULL: no answer) is the receiver's reference.
 */
typedef void (*external_keys_fn)(void *arg);
typedef void (*external_consoles_fn)(void *arg, struct ovirt_consoles *list);
void external_want_keys(struct external *e, external_keys_fn done, void *arg);
void external_want_consoles(struct external *e, const char *entity, const char *entity_id,
	external_consoles_fn done, void *arg);
/* Who waits dies. */
void external_forget(struct external *e, const void *arg);

#endif
