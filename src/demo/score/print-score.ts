import type { Score, Share } from './score-shape.js'
import {
  cityWords,
  delayWords,
  falseOf,
  findingWords,
  KIND_WORDS,
  missedOf,
  number,
  partOf,
  percent,
} from './words.js'

/** Sentences of a list that are printed; how many more there are is said. */
const SENTENCES_SHOWN = 20

type Row = readonly string[]

/** A score as text for a terminal. */
export function printScore(score: Score): string {
  const sections = [
    cityWords(score),
    figuresOf(score),
    kindsOf(score),
    datasetsOf(score),
    trapsOf(score),
    categoriesOf(score),
    sentences(
      'Planted and not found',
      missedOf(score).map(({ said, from }) => `${from}  ${said}`),
    ),
    sentences(
      'Reported, and nothing was planted there',
      falseOf(score).map((finding) => `/f/${finding.finding}  ${findingWords(finding)}`),
    ),
  ]
  return sections.filter((text) => text !== '').join('\n\n')
}

function figuresOf({ counts, everything, categories, withdrawn }: Score): string {
  const line = (what: string, share: Share): Row => [what, percent(share), partOf(share)]
  const rows = [
    line('planted events found, of counts', counts.recall),
    line('planted events found, of everything', everything.recall),
    line('findings that are right, of counts', counts.precision),
    line('findings that are right, of everything', everything.precision),
    line('categories under exactly one name', categories.all),
    line('of those with several labels', categories.severalLabels),
  ]
  const note = withdrawn === 0 ? '' : `\n${number(withdrawn)} withdrawn findings are left out`
  return `${table(['', 'share', 'count'], rows)}${note}`
}

function kindsOf({ kinds, counts, everything }: Score): string {
  const line = (
    what: string,
    planted: string,
    { recall, delay }: Pick<Score['kinds'][0], 'recall' | 'delay'>,
  ) => [...[what, planted, number(recall.whole), number(recall.part), percent(recall)], ...delayWords(delay)]
  const rows = kinds.map((kind) => line(KIND_WORDS[kind.kind], number(kind.planted), kind))
  const heads = [
    'kind of event',
    'planted',
    'expected',
    'found',
    'share',
    'half within',
    '9 in 10 within',
    'half known',
    '9 in 10 known',
  ]
  return table(heads, [...rows, line('all of counts', '', counts), line('everything', '', everything)])
}

function datasetsOf({ datasets, silentDatasets }: Score): string {
  const rows = datasets.map((one) => [
    one.dataset,
    `${one.testedSince}${one.isAssumed ? ' (assumed)' : ''}`,
    number(one.findings),
    number(one.falseFindings),
    one.falseADivisionYear === null ? 'none' : one.falseADivisionYear.toFixed(2),
  ])
  const silent = silentDatasets.length === 0 ? '' : `\nno finding at all: ${silentDatasets.join(', ')}`
  return `${table(['dataset', 'tested since', 'findings', 'false', 'false a division-year'], rows)}${silent}`
}

function trapsOf({ traps }: Score): string {
  if (traps.length === 0) return ''
  const reported = traps.filter((trap) => trap.reported.length > 0)
  const lines = reported.flatMap(({ said, reported: wrong }) =>
    wrong.map(({ finding, sentence }) => `/f/${finding}  ${sentence ?? ''} But: ${said}`),
  )
  const title = `Traps: ${number(reported.length)} of ${number(traps.length)} were reported as a rise or fall`
  return lines.length === 0 ? title : sentences(title, lines)
}

function categoriesOf({ categories }: Score): string {
  const lines = categories.wrong.map(({ dataset, category, seen }) =>
    seen.length === 0
      ? `${dataset}: ${category} is nowhere`
      : `${dataset}: ${category} stands apart as ${seen.join(', ')}`,
  )
  return sentences('Categories that are not joined', lines)
}

function sentences(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  const shown = lines.slice(0, SENTENCES_SHOWN).map((line) => `  ${line}`)
  const more = lines.length - shown.length
  return [
    `${title} (${number(lines.length)})`,
    ...shown,
    ...(more > 0 ? [`  and ${number(more)} more`] : []),
  ].join('\n')
}

/** Aligned columns: the first to the left, figures to the right. */
function table(heads: Row, rows: readonly Row[]): string {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (row: Row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ')
      .trimEnd()
  return [heads, ...rows].map(line).join('\n')
}
