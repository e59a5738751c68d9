import { z } from 'zod'
import { sha256Hex } from '../kernel/ids.js'

/** What a person decided about one text in quarantine: which record it was meant to be. Stored once, never changed; a later one replaces it. */
export const QuarantineDecision = z.strictObject({
  v: z.literal(1),
  /** The bad row as quarantine holds it. */
  rawText: z.string().min(1),
  /** The record that takes its place: one line of the page, with its separator and quotes. */
  correctedText: z.string(),
  /** ISO 8601, UTC. */
  decidedAt: z.iso.datetime(),
})
export type QuarantineDecision = z.infer<typeof QuarantineDecision>

/** Where the decisions of a source lie. */
export function decisionsPrefix(dataset: string, source: string): string {
  return `inbox/quarantine/${dataset}/${source}/`
}

/**
 * Key of a decision.
 * @param revision 0 for the first decision about a text, then 1, 2, …: the highest stands
 */
export function decisionKey(dataset: string, source: string, rawText: string, revision: number): string {
  const ending = revision === 0 ? '' : `.${revision}`
  return `${decisionsPrefix(dataset, source)}${sha256Hex(rawText)}${ending}.json`
}

/** The text's digest and the revision that a key names; undefined for a key that is no decision's. */
export function parseDecisionKey(
  key: string,
): { readonly id: string; readonly revision: number } | undefined {
  const [, id, revision = '0'] = /\/([0-9a-f]{64})(?:\.([1-9]\d{0,8}))?\.json$/.exec(key) ?? []
  return id === undefined ? undefined : { id, revision: Number(revision) }
}
