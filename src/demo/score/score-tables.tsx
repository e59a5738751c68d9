import type { ComponentChildren, VNode } from 'preact'
import type { Score, ScoredEvent, Share } from './score-shape.js'
import { delayWords, KIND_WORDS, number, partOf, percent } from './words.js'

const OUTCOME_WORDS: Record<ScoredEvent['outcome'], string> = {
  found: 'found',
  missed: 'missed',
  'not-yet': 'not yet',
  'not-expected': 'not expected',
}

/** A table of more columns keeps its row heads on one line, and goes without bars on paper. */
const WIDE_COLUMNS = 8

/** The main figures, each with a bar. */
export function FigureTable({ score }: { score: Score }): VNode {
  const { counts, everything, categories } = score
  const lines: readonly (readonly [string, Share])[] = [
    ['Planted rises and falls of counts that were found', counts.recall],
    ['Planted events of every kind that were found', everything.recall],
    ['Reported rises and falls of counts that are right', counts.precision],
    ['Findings of every kind that are right', everything.precision],
    ['Categories that stand under exactly one name', categories.all],
    ['Those among them that are published under several labels', categories.severalLabels],
  ]
  return (
    <Table caption="The score in six shares" heads={['What', 'Share', '', 'Count']} numbers={[1, 3]}>
      <tbody>
        {lines.map(([what, share]) => (
          <tr key={what}>
            <th scope="row">{what}</th>
            <td class="number">{percent(share)}</td>
            <Bar share={share} />
            <td class="number">{partOf(share)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}

/** What was found of each kind, and how soon. */
export function KindTable({ score: { kinds, counts, everything } }: { score: Score }): VNode {
  const heads = [
    ...['Kind', 'Planted', 'Expected', 'Found', 'Share', ''],
    ...['Half within', '9 in 10 within', 'Half known', '9 in 10 known'],
  ]
  return (
    <Table
      caption="Planted events by kind: how many could be found, how many were, and after how many days"
      heads={heads}
      numbers={[1, 2, 3, 4, 6, 7, 8, 9]}
    >
      <tbody>
        {kinds.map((line) => (
          <KindRow key={line.kind} what={KIND_WORDS[line.kind]} planted={line.planted} line={line} />
        ))}
      </tbody>
      <tbody class="sum">
        <KindRow what="all of counts" line={counts} />
        <KindRow what="everything" line={everything} />
      </tbody>
    </Table>
  )
}

function KindRow(props: {
  what: string
  planted?: number
  line: Pick<Score['counts'], 'recall' | 'delay'>
}): VNode {
  const { what, planted, line } = props
  const { recall, delay } = line
  return (
    <tr>
      <th scope="row">{what}</th>
      <td class="number">{planted}</td>
      <td class="number">{number(recall.whole)}</td>
      <td class="number">{number(recall.part)}</td>
      <td class="number">{percent(recall)}</td>
      <Bar share={recall} />
      {delayWords(delay).map((words, at) => (
        <td key={at} class="number">
          {words}
        </td>
      ))}
    </tr>
  )
}

/** False findings by dataset. */
export function DatasetTable({ score: { datasets, silentDatasets } }: { score: Score }): VNode {
  const heads = ['Dataset', 'Tested since', 'Findings', 'False', 'Division-years', 'False a division-year']
  return (
    <>
      <Table
        caption="Findings by dataset, and how often a division sees a false one"
        heads={heads}
        numbers={[2, 3, 4, 5]}
      >
        <tbody>
          {datasets.map((one) => (
            <tr key={one.dataset}>
              <th scope="row">{one.dataset}</th>
              <td class="day">
                {one.testedSince}
                {one.isAssumed && ' (assumed)'}
              </td>
              <td class="number">{number(one.findings)}</td>
              <td class="number">{number(one.falseFindings)}</td>
              <td class="number">{number(Math.round(one.divisionYears))}</td>
              <td class="number">{one.falseADivisionYear?.toFixed(2) ?? 'none'}</td>
            </tr>
          ))}
        </tbody>
      </Table>
      {datasets.some(({ isAssumed }) => isAssumed) && (
        <p class="muted">
          “Assumed”: the server does not say since when it tests, so two years of history are taken.
        </p>
      )}
      {silentDatasets.length > 0 && <p>No finding at all in: {silentDatasets.join(', ')}.</p>}
    </>
  )
}

/** Every planted event and what became of it. */
export function EventTable({ score: { events } }: { score: Score }): VNode {
  return (
    <Table
      caption="Planted events in the order of their first days, and how many findings belong to each"
      heads={['First day', 'Outcome', 'What was planted', 'Kind', 'Until', 'Findings']}
      numbers={[5]}
    >
      <tbody>
        {events.map(({ id, from, to, kind, said, findings, outcome, reason }) => (
          <tr key={id}>
            <td class="day">{from}</td>
            <td class={outcome}>{OUTCOME_WORDS[outcome]}</td>
            <td class="said">
              {said}
              {reason !== null && <span class="muted"> Not asked for: {reason}.</span>}
            </td>
            <td>{KIND_WORDS[kind]}</td>
            <td class="day">{to ?? 'for ever'}</td>
            <td class="number">{number(findings.length)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  )
}

/** A table that scrolls by itself where the page is narrower. @param numbers columns of figures, from 0 */
function Table(props: {
  caption: string
  heads: readonly string[]
  numbers: readonly number[]
  children: ComponentChildren
}): VNode {
  const { caption, heads, numbers, children } = props
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table class={heads.length > WIDE_COLUMNS ? 'wide' : undefined}>
        <caption>
          <span>{caption}</span>
        </caption>
        <thead>
          <tr>
            {heads.map((head, at) =>
              head === '' ? (
                <td class="bar" aria-hidden="true" key="bar" />
              ) : (
                <th scope="col" class={numbers.includes(at) ? 'number' : undefined} key={`${at}${head}`}>
                  {head}
                </th>
              ),
            )}
          </tr>
        </thead>
        {children}
      </table>
    </section>
  )
}

/** A share as a bar, for the eye: its figure stands beside it. */
function Bar({ share }: { share: Share }): VNode {
  return (
    <td class="bar" aria-hidden="true">
      {share.share !== null && (
        <span>
          <i style={`width:${share.share * 100}%`} />
        </span>
      )}
    </td>
  )
}
