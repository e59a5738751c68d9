import { WardbookError } from '../kernel/errors.js'
import type { Content, ObjectStore } from './store.js'

/** Whoever holds a scoped handle: a stage, a face, or `main`, which may only read, name the lake and examine its store. */
export const OWNERS = [
  'main',
  'ingest',
  'harmonize',
  'measure',
  'detect',
  'ledger',
  'correlate',
  'power',
  'serve',
] as const
export type Owner = (typeof OWNERS)[number]

/** One line of the prefix table. `<stage>` in a prefix stands for each writer's own name. */
export interface PrefixRule {
  readonly prefix: string
  readonly writers: readonly Owner[]
  readonly readers: readonly Owner[]
  readonly content: string
}

const EVERYONE: readonly Owner[] = OWNERS
const STAGES: readonly Owner[] = ['ingest', 'harmonize', 'measure', 'detect', 'correlate', 'power']

/**
 * Who writes and who reads each prefix of a lake. The only source of the scoped store handles, of `wardbook lake prefixes`
 * and of docs/prefixes.md.
 */
export const PREFIXES: readonly PrefixRule[] = [
  {
    prefix: 'lake.json',
    writers: ['main'],
    readers: EVERYONE,
    content: 'whose lake this is, and its format version',
  },
  {
    prefix: 'doctor/',
    writers: ['main'],
    readers: EVERYONE,
    content: 'names that the doctor races for, and its last verdict on the store',
  },
  {
    prefix: 'spool/<dataset>/<source>/',
    writers: ['ingest'],
    readers: ['ingest'],
    content: 'pages of a read that is not committed yet; resume state',
  },
  {
    prefix: 'raw/<dataset>/<source>/',
    writers: ['ingest'],
    readers: EVERYONE,
    content:
      "Delta table: the publisher's own columns and values, all text unless files were registered as they are",
  },
  {
    prefix: 'quarantine/<stage>/<dataset>/<source>/',
    writers: STAGES,
    readers: EVERYONE,
    content: 'Delta table: rows that could not be read or typed, with reason, place and raw text',
  },
  {
    prefix: 'tidy/<dataset>/',
    writers: ['harmonize'],
    readers: EVERYONE,
    content: 'Delta table: one coherent schema over all years',
  },
  {
    prefix: 'series/<dataset>/',
    writers: ['measure'],
    readers: EVERYONE,
    content: 'Delta table: counts by division, category and day',
  },
  {
    prefix: 'runs/<stage>/',
    writers: STAGES,
    readers: EVERYONE,
    content: 'Delta table: verdicts, page records, counts and tests of each run',
  },
  {
    prefix: 'outbox/<stage>/',
    writers: STAGES,
    readers: ['ledger', ...STAGES],
    content: 'Delta table: proposals of findings with their test families',
  },
  {
    prefix: 'ledger/<log>/',
    writers: ['ledger'],
    readers: EVERYONE,
    content: 'the append-only log of events, in segments',
  },
  {
    prefix: 'findings/',
    writers: ['ledger'],
    readers: EVERYONE,
    content: 'Delta table: the read view of the ledger',
  },
  {
    prefix: 'links/',
    writers: ['correlate'],
    readers: EVERYONE,
    content: 'Delta table: relationships across datasets',
  },
  {
    prefix: 'features/',
    writers: ['correlate'],
    readers: EVERYONE,
    content: 'Delta tables: point-in-time feature rows',
  },
  {
    prefix: 'power/',
    writers: ['power'],
    readers: EVERYONE,
    content: 'Delta tables: statements, entities, scores, layouts',
  },
  {
    prefix: 'inbox/',
    writers: ['serve'],
    readers: EVERYONE,
    content: 'what people send: judgments, corrections, replies',
  },
  {
    prefix: 'private/',
    writers: ['serve'],
    readers: ['serve'],
    content: 'subscribers (encrypted) and tokens (hashed)',
  },
]

/** True when `owner` may write `key`, or read it (or list what begins with it). */
export function mayAccess(owner: Owner, key: string, access: 'read' | 'write'): boolean {
  const rule = ruleFor(key)
  if (rule === undefined) return false
  if (access === 'read') return rule.readers.includes(owner) || mayWrite(rule, owner, key)
  return mayWrite(rule, owner, key)
}

/** Who writes below a prefix; undefined when it is nobody's. @param prefix a folder, with `/` at its end */
export function ownerOf(prefix: string): Owner | undefined {
  return OWNERS.find((owner) => mayAccess(owner, `${prefix}any`, 'write'))
}

/**
 * The store as one owner may use it.
 * @throws from its methods WardbookError 'outside-prefix' (report-bug) for a key that is not the owner's to read or write
 */
export function scopeTo(owner: Owner, store: ObjectStore): ObjectStore {
  const reading = (key: string) => demand(owner, key, 'read')
  const writing = (key: string) => demand(owner, key, 'write')
  return {
    address: store.address,
    get: async (key) => store.get(reading(key)),
    getRange: async (key, from, to) => store.getRange(reading(key), from, to),
    stat: async (key) => store.stat(reading(key)),
    createIfAbsent: async (key: string, content: Content) => store.createIfAbsent(writing(key), content),
    put: async (key, bytes) => store.put(writing(key), bytes),
    list: (prefix, startAfter) => store.list(reading(prefix), startAfter),
    delete: async (key) => store.delete(writing(key)),
    stage: async (key) => store.stage(reading(key)),
    scratch: () => store.scratch(),
  }
}

function ruleFor(key: string): PrefixRule | undefined {
  const root = key.split('/')[0]
  return PREFIXES.find((rule) => rule.prefix.split('/')[0] === root)
}

function mayWrite(rule: PrefixRule, owner: Owner, key: string): boolean {
  return rule.writers.includes(owner) && isBelow(key, rule.prefix, owner)
}

/** True for a key inside a prefix, or for the one object that a rule without `/` at its end names. */
function isBelow(key: string, prefix: string, owner: Owner): boolean {
  if (!prefix.endsWith('/')) return key === prefix
  const folders = prefix.split('/').slice(0, -1)
  const parts = key.split('/')
  const fits = (folder: string, part: string | undefined) => {
    if (folder === '<stage>') return part === owner
    return folder.startsWith('<') ? part !== undefined && part !== '' : part === folder
  }
  return parts.length > folders.length && folders.every((folder, index) => fits(folder, parts[index]))
}

function demand(owner: Owner, key: string, access: 'read' | 'write'): string {
  if (mayAccess(owner, key, access)) return key
  throw new WardbookError('outside-prefix', 'report-bug', `${owner} may not ${access} '${key}'`, {
    owner,
    key,
    access,
  })
}
