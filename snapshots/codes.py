"""Every code that a finding can carry, and its title: one table, from which docs/errors/README.md is made.

The hundreds group by what was being read: 01 YAML, 02 documents, 03 Envoy messages and 04 their field rules (both named
in `api.envoy.problem`), 05 duplicates and references, 06 sizes, 07 files, 08 a server's settings, 09 publishing and the
record of it, 10 endpoints apart from configuration, 11 what Gateway API objects are to one another, 12 patches,
13 what a real Envoy says. A code is never
reused for something else (E0206 was for kinds that are supported by now).
`W` codes are warnings: they refuse nothing.
"""

from __future__ import annotations

from api.envoy import problem
from api.hosting.settings.codes import INVALID_SETTING, SETTINGS_DISAGREE, SETTINGS_UNREADABLE, UNKNOWN_SETTING

SYNTAX = "E0101"
NOT_UTF8 = "E0102"
CONTROL_CHARACTER = "E0103"
ANCHOR = "E0104"
TAG = "E0105"
DUPLICATE_KEY = "E0106"
MERGE_KEY = "E0107"
KEY_NOT_TEXT = "E0108"
TOO_DEEP = "E0109"
TOO_MANY_NODES = "E0110"
DOCUMENT_TOO_LARGE = "E0111"
DIRECTIVE = "E0112"
TOO_MANY_DOCUMENTS = "E0113"

NOT_A_DOCUMENT = "E0201"
MISSING_FIELD = "E0202"
BACKEND_NOT_FOUND = "E0203"
UNKNOWN_API_VERSION = "E0204"
UNKNOWN_KIND = "E0205"
UNKNOWN_FIELD = "E0207"
WRONG_TYPE = "E0208"
INVALID_NAME = "E0209"
WORKSPACE_MISPLACED = "E0210"
WORKSPACE_TWICE = "E0211"
RESOURCE_UNNAMED = "E0212"
NOT_A_RESOURCE = "E0213"
FIELD_OUT_OF_BOUNDS = "E0214"
FIELDS_DISAGREE = "E0215"
INVALID_TTL = "E0216"

DOCUMENT_TWICE = "E0501"
RESOURCE_TWICE = "E0502"
DOMAIN_TWICE = "E0503"
REFERENCE_DANGLING = "W0504"
ROUTE_SHADOWED = "W0505"
HOSTNAME_CLAIMED = "W0506"

FILE_TOO_LARGE = "E0601"
RESOURCE_TOO_LARGE = "E0602"
BUDGET_RESOURCES = "E0603"
BUDGET_SIZE = "E0604"
BUDGET_GROWTH = "E0605"
BUDGET_REMOVED = "E0606"
BUDGET_EMPTIED = "E0607"

FILE_MISSING = "E0701"
FILE_UNREADABLE = "E0702"
FILE_IRREGULAR = "E0703"
LINK_LEADS_OUT = "E0704"
TOO_MANY_FILES = "E0705"
FILE_NAME_UNPRINTABLE = "E0706"

MORE_FINDINGS = "E0900"
NAME_CLAIMED = "E0901"
BASE_STALE = "E0902"
KEY_REUSED = "E0903"
AUDIT_EDITED = "E0904"
AUDIT_BROKEN = "E0905"

ENDPOINT_INVALID = "E1001"
ENDPOINTS_FEW = "E1002"
CLUSTER_WITHOUT_EDS = "E1003"
RATE_EXCEEDED = "E1004"
ENDPOINTS_HIDDEN = "W1005"

BACKEND_INVALID = "E1101"
REFERENCE_NOT_PERMITTED = "E1102"
ROUTE_NOT_ATTACHED = "E1103"
LISTENER_CONFLICT = "E1104"
LISTENER_UNSUPPORTED = "E1105"
FILTER_UNSUPPORTED = "E1106"
CERTIFICATE_INVALID = "E1107"
POLICY_CONFLICT = "E1108"
ADDRESS_UNUSABLE = "E1109"
LISTENERS_NOT_ALLOWED = "E1110"
PARENT_MISSING = "W1111"
RULE_UNSERVABLE = "E1112"
SESSION_IN_PART = "W1113"
SERVICE_EMPTY = "W1114"
FIELD_UNHEEDED = "W1115"

PATCH_TARGET_MISSING = "E1201"
PATCH_PART_UNKNOWN = "E1202"
PATCH_NOT_PERMITTED = "E1203"
PATCH_PATH_MISSING = "E1204"
PATCH_TEST_FAILED = "E1205"
PATCH_RENAMES = "E1206"
PATCHES_OVERLAP = "W1207"
PATCH_IDLE = "W1208"

ENVOY_REFUSES = "E1301"
ENVOY_ENDED = "E1302"

TITLES: dict[str, str] = {
    SYNTAX: "not YAML",
    NOT_UTF8: "not UTF-8",
    CONTROL_CHARACTER: "a control character",
    ANCHOR: "an anchor or an alias",
    TAG: "a tag",
    DUPLICATE_KEY: "a key twice in one mapping",
    MERGE_KEY: "a merge key",
    KEY_NOT_TEXT: "a key that is not text",
    TOO_DEEP: "nested too deep",
    TOO_MANY_NODES: "too many values in one document",
    DOCUMENT_TOO_LARGE: "a document that is too large",
    DIRECTIVE: "a YAML directive",
    TOO_MANY_DOCUMENTS: "too many documents, or too many mistakes, in one file",
    NOT_A_DOCUMENT: "not a document",
    MISSING_FIELD: "a required field is missing",
    BACKEND_NOT_FOUND: "a backend that does not exist",
    UNKNOWN_API_VERSION: "unknown apiVersion",
    UNKNOWN_KIND: "unknown kind",
    UNKNOWN_FIELD: "unknown field",
    WRONG_TYPE: "wrong type",
    INVALID_NAME: "invalid name",
    WORKSPACE_MISPLACED: "a Workspace outside fairlead.yaml",
    WORKSPACE_TWICE: "a second Workspace",
    RESOURCE_UNNAMED: "an Envoy resource without a usable name",
    NOT_A_RESOURCE: "a message that is not an xDS resource",
    FIELD_OUT_OF_BOUNDS: "a value that a field does not take",
    FIELDS_DISAGREE: "fields that do not go together",
    INVALID_TTL: "a time to live that cannot be",
    problem.NOT_AN_OBJECT: "not a message",
    problem.UNKNOWN_FIELD: "unknown field of an Envoy message",
    problem.WRONG_TYPE: "wrong type in an Envoy message",
    problem.UNKNOWN_ENUM_VALUE: "unknown enum value in an Envoy message",
    problem.UNKNOWN_TYPE: 'unknown "@type"',
    problem.MISSING_TYPE: 'no "@type"',
    problem.MALFORMED: "unreadable value in an Envoy message",
    problem.OUT_OF_RANGE: "a number out of range in an Envoy message",
    problem.ONEOF_SET_TWICE: "two alternatives at once in an Envoy message",
    problem.FIELD_SET_TWICE: "one field under two names in an Envoy message",
    problem.TOO_DEEP: "an Envoy message nested too deep",
    problem.BROKEN_BYTES: "bytes that are not the message they claim to be",
    problem.RULE_BROKEN: "a field rule of Envoy's is broken",
    problem.REQUIRED: "a field that Envoy requires is missing",
    DOCUMENT_TWICE: "two documents of one kind and name",
    RESOURCE_TWICE: "two Envoy resources of one type and name",
    DOMAIN_TWICE: "a domain twice in one route configuration",
    REFERENCE_DANGLING: "a reference to something that is not here",
    ROUTE_SHADOWED: "a route that can never match",
    HOSTNAME_CLAIMED: "a hostname and match that another namespace has already",
    FILE_TOO_LARGE: "a file that is too large",
    RESOURCE_TOO_LARGE: "an Envoy resource that is too large",
    BUDGET_RESOURCES: "more resources than a budget has",
    BUDGET_SIZE: "more bytes than a budget has",
    BUDGET_GROWTH: "too much more at once",
    BUDGET_REMOVED: "too much removed at once",
    BUDGET_EMPTIED: "nothing left to serve",
    FILE_MISSING: "no such file or directory",
    FILE_UNREADABLE: "a file that cannot be read",
    FILE_IRREGULAR: "not a regular file",
    LINK_LEADS_OUT: "a symbolic link that is not followed",
    TOO_MANY_FILES: "too many files",
    FILE_NAME_UNPRINTABLE: "a file name that cannot be printed",
    SETTINGS_UNREADABLE: "a settings file that cannot be read",
    UNKNOWN_SETTING: "unknown setting",
    INVALID_SETTING: "a setting of the wrong kind",
    SETTINGS_DISAGREE: "settings that do not go together",
    MORE_FINDINGS: "more mistakes than are shown",
    NAME_CLAIMED: "a name that another workspace holds",
    BASE_STALE: "somebody else was first",
    KEY_REUSED: "an idempotency key used for something else",
    AUDIT_EDITED: "an audit record that was edited",
    AUDIT_BROKEN: "audit records that are missing or replaced",
    ENDPOINT_INVALID: "an endpoint that cannot be one",
    ENDPOINTS_FEW: "too few healthy endpoints would be left",
    CLUSTER_WITHOUT_EDS: "a cluster that gets its endpoints in another way",
    RATE_EXCEEDED: "too many changes of endpoints in a short time",
    ENDPOINTS_HIDDEN: "endpoints in documents that a set hides",
    BACKEND_INVALID: "a backend that cannot be one",
    REFERENCE_NOT_PERMITTED: "a reference into another namespace that nothing allows",
    ROUTE_NOT_ATTACHED: "a route that no listener takes",
    LISTENER_CONFLICT: "two listeners in one place",
    LISTENER_UNSUPPORTED: "a listener that cannot be served",
    FILTER_UNSUPPORTED: "a filter that is not known",
    CERTIFICATE_INVALID: "a certificate that cannot be used",
    POLICY_CONFLICT: "two policies for one backend",
    ADDRESS_UNUSABLE: "an address that cannot be bound",
    LISTENERS_NOT_ALLOWED: "a ListenerSet that its Gateway does not take",
    PARENT_MISSING: "a parent that is not here",
    RULE_UNSERVABLE: "a rule that Envoy cannot follow",
    SESSION_IN_PART: "a session that is kept in part",
    SERVICE_EMPTY: "a Service without EndpointSlices",
    ENVOY_REFUSES: "what a real Envoy does not take",
    ENVOY_ENDED: "what a real Envoy does not survive",
    FIELD_UNHEEDED: "a field without effect",
    PATCH_TARGET_MISSING: "a patch of something that is not here",
    PATCH_PART_UNKNOWN: "a part that the target does not have",
    PATCH_NOT_PERMITTED: "a patch of what belongs to others, too",
    PATCH_PATH_MISSING: "a patch of a path that is not there",
    PATCH_TEST_FAILED: "a test of a patch that does not hold",
    PATCH_RENAMES: "a patch that changes a name",
    PATCHES_OVERLAP: "two patches that write the same",
    PATCH_IDLE: "a patch without effect",
}
