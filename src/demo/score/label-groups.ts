import type { Truth } from '../truth.js'
import { shareOf } from './figures.js'
import type { ApiSeries } from './read-api.js'
import type { Score } from './score-shape.js'

/** One of the city's own categories, and what its sources call it. */
interface LabelGroup {
  readonly dataset: string
  readonly category: string
  readonly labels: ReadonlySet<string>
}

/** How many of the city's own categories the API knows by exactly one name: its own, or one of its labels. */
export function scoreCategories(truth: Truth, series: readonly ApiSeries[]): Score['categories'] {
  const known = new Set(series.map(({ dataset, category }) => JSON.stringify([dataset, category])))
  const judged = labelGroups(truth).map((group) => {
    const { dataset, category, labels } = group
    const names = [...new Set([category, ...labels])]
    return { ...group, seen: names.filter((name) => known.has(JSON.stringify([dataset, name]))) }
  })
  const rightOf = (groups: typeof judged) =>
    shareOf(groups.filter(({ seen }) => seen.length === 1).length, groups.length)
  return {
    all: rightOf(judged),
    severalLabels: rightOf(judged.filter(({ labels }) => labels.size > 1)),
    wrong: judged
      .filter(({ seen }) => seen.length !== 1)
      .map(({ dataset, category, seen }) => ({ dataset, category, seen: seen.toSorted() })),
  }
}

/** The groups of all datasets, in the order of the truth. */
function labelGroups({ datasets, mappings }: Truth): LabelGroup[] {
  return datasets.flatMap(({ id, categories }) => {
    const groups = new Map<string, Set<string>>(categories.map(({ name }) => [name, new Set<string>()]))
    for (const { labels } of mappings.filter(({ dataset }) => dataset === id)) {
      for (const [label, category] of Object.entries(labels))
        groups.set(category, (groups.get(category) ?? new Set()).add(label))
    }
    return [...groups].map(([category, labels]) => ({ dataset: id, category, labels }))
  })
}
