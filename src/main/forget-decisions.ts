import type { CityFile } from '../contracts/city-file.js'
import { decisionsPrefix, parseDecisionKey, QuarantineDecision } from '../contracts/quarantine-decision.js'
import { sha256Hex } from '../kernel/ids.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { checkLake } from './claim-lake.js'
import { absoluteAddress } from './lake-address.js'
import { chooseSources } from './list-quarantine.js'
import { openLake } from './open-lake.js'

/** Which decisions are forgotten. */
export interface ForgetOrder {
  readonly city: CityFile
  readonly lake: string
  /** `<dataset>/<source>`. */
  readonly name: string
  /** Raw texts whose decisions go; undefined: all. */
  readonly texts: readonly string[] | undefined
  /** Tells only, and removes nothing. */
  readonly dryRun: boolean
}

/** A decision that goes, with all that it took the place of. */
export interface KeptDecision {
  /** SHA-256 of the raw text. */
  readonly id: string
  /** What stands; undefined for an object that is no decision. */
  readonly decision: QuarantineDecision | undefined
  /** Objects in the lake: this one and the earlier ones about the same text, oldest first. */
  readonly keys: readonly string[]
}

/** What went, or would go. */
export interface Forgotten {
  /** Texts that had a decision. */
  readonly decisions: number
  /** Objects of the lake: a text may have been decided about several times. */
  readonly objects: number
  /** Texts that were named and have no decision. */
  readonly unknown: number
}

/**
 * Removes decisions about rows in quarantine from the lake for good: texts that should not be kept, corrections that are wrong. The rows go back to
 * quarantine when the source is read again. May be killed anywhere: what stands of a text goes last, so that no earlier decision comes back.
 * @param tell each decision before it goes
 * @throws WardbookError 'source-unknown', 'lake-missing', 'lake-of-other-city' (fix-config)
 */
export async function forgetDecisions(
  { city, lake, name, texts, dryRun }: ForgetOrder,
  tell: (decision: KeptDecision) => void,
): Promise<Forgotten> {
  const [dataset, source] = chooseSources(city, [name])[0] as [string, string]
  const store = await openLake(absoluteAddress(lake))
  await checkLake(store, city.city.slug)
  return forgetKept(scopeTo('serve', store), { dataset, source, texts, dryRun }, tell)
}

/** The same, in a store that may write below `inbox/`. */
export async function forgetKept(
  store: ObjectStore,
  {
    dataset,
    source,
    texts,
    dryRun,
  }: { dataset: string; source: string } & Pick<ForgetOrder, 'texts' | 'dryRun'>,
  tell: (decision: KeptDecision) => void,
): Promise<Forgotten> {
  const all = await decisionKeys(store, dataset, source)
  const wanted = texts === undefined ? [...all.keys()] : [...new Set(texts.map(sha256Hex))]
  const chosen = wanted.flatMap((id) => {
    const keys = all.get(id)
    return keys === undefined ? [] : [{ id, keys }]
  })
  let objects = 0
  for (const { id, keys } of chosen) {
    tell({ id, keys, decision: await decisionAt(store, keys.at(-1) as string) })
    objects += keys.length
    if (!dryRun) for (const key of keys) await store.delete(key)
  }
  return { decisions: chosen.length, objects, unknown: wanted.length - chosen.length }
}

/** Keys of all decisions of a source by the digest of their text, oldest first each. */
async function decisionKeys(
  store: ObjectStore,
  dataset: string,
  source: string,
): Promise<Map<string, string[]>> {
  const found = new Map<string, { key: string; revision: number }[]>()
  for await (const { key } of store.list(decisionsPrefix(dataset, source))) {
    const named = parseDecisionKey(key)
    if (named === undefined) continue
    found.set(named.id, [...(found.get(named.id) ?? []), { key, revision: named.revision }])
  }
  const oldestFirst = (keys: { key: string; revision: number }[]) =>
    keys.toSorted((a, b) => a.revision - b.revision).map(({ key }) => key)
  return new Map([...found].map(([id, keys]) => [id, oldestFirst(keys)]))
}

async function decisionAt(store: ObjectStore, key: string): Promise<QuarantineDecision | undefined> {
  try {
    return QuarantineDecision.parse(JSON.parse(new TextDecoder().decode(await store.get(key))))
  } catch (thrown) {
    if (thrown instanceof SyntaxError || (thrown as Error).name === 'ZodError') return undefined
    throw thrown
  }
}
