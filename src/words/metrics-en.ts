import type { Metric } from '../contracts/kinds.js'
import type { MetricNoun } from './facts.js'

/** What the counts of a metric are called, and what they do not say. */
interface MetricWords extends Omit<MetricNoun, 'title'> {
  /** The noun in full, where the short one alone could mean anything. */
  readonly whole: string
  readonly notSaid: string
}

const WORDS: Record<Metric, MetricWords> = {
  requests: {
    one: 'request',
    many: 'requests',
    whole: 'service requests',
    notSaid: 'Requests count what people report, not what happened.',
  },
  incidents: {
    one: 'incident',
    many: 'incidents',
    whole: 'crime incidents',
    notSaid: 'Incidents count what the police recorded, not all that happened.',
  },
  permits: {
    one: 'permit',
    many: 'permits',
    whole: 'building permits',
    notSaid: 'Permits count what was issued, not what was built.',
  },
  violations: {
    one: 'violation',
    many: 'violations',
    whole: 'code violations',
    notSaid: 'Violations count what inspectors wrote down, not all that is wrong.',
  },
  collisions: {
    one: 'collision',
    many: 'collisions',
    whole: 'collisions',
    notSaid: 'Collisions count what was reported, not all that happened.',
  },
  observations: {
    one: 'observation',
    many: 'observations',
    whole: 'weather observations',
    notSaid: 'Observations count what stations recorded.',
  },
  matters: {
    one: 'matter',
    many: 'matters',
    whole: 'council matters',
    notSaid: 'Matters count what was introduced, not what was decided.',
  },
}

/**
 * Of a metric that this release does not know. A finding's page stays for ever, also where a later release wrote the lake: it says
 * neutrally what it can, and never calls rows of another kind requests.
 */
const OTHER: MetricWords = {
  one: 'row',
  many: 'rows',
  whole: 'rows',
  notSaid: 'Rows count what the publisher recorded.',
}

/** The noun of counts; several metrics together are rows. */
export function metricNoun(...metrics: readonly string[]): MetricNoun {
  const [only = OTHER, ...others] = new Set(metrics.map(wordsOf))
  const { one, many } = others.length > 0 ? OTHER : only
  return { one, many, title: `${many.charAt(0).toUpperCase()}${many.slice(1)}` }
}

/** What is counted, in full: 'service requests, building permits and collisions'. Each metric once. */
export function countedText(metrics: readonly string[]): string {
  const nouns = [...new Set(metrics.map((metric) => wordsOf(metric).whole))]
  return nouns.length < 2 ? (nouns[0] ?? OTHER.whole) : `${nouns.slice(0, -1).join(', ')} and ${nouns.at(-1)}`
}

/** What counts do not say: a sentence a metric. */
export function notSaidText(metrics: readonly string[]): string {
  return [...new Set(metrics.map((metric) => wordsOf(metric).notSaid))].join(' ')
}

function wordsOf(metric: string): MetricWords {
  return Object.hasOwn(WORDS, metric) ? WORDS[metric as Metric] : OTHER
}
