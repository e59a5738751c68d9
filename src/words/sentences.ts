import type { FindingState } from '../contracts/proposal.js'
import { english } from './english.js'
import type { Catalog, FindingFacts } from './facts.js'

/** One catalog a language; a further language is one more file and one more line here. */
const CATALOGS: readonly Catalog[] = [english]

/** The catalog for a locale such as 'en-US', by its language; English where we have no other. */
export function catalogFor(locale: string): Catalog {
  const language = locale.toLowerCase().split(/[-_]/)[0]
  return CATALOGS.find((catalog) => catalog.language === language) ?? english
}

/** The sentence of a finding in the language of a locale. The same facts always give the same sentence. */
export function sentenceOf(facts: FindingFacts, locale: string, state: FindingState = 'new'): string {
  return catalogFor(locale).finding(facts, state)
}
