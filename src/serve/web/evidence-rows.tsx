import type { VNode } from 'preact'
import type { MetricNoun } from '../../words/facts.js'
import type { ShownRows } from '../division-view.js'
import type { EvidenceColumn } from '../evidence-columns.js'
import type { EvidenceRow } from '../read-rows.js'
import { Scroll } from './scroll.js'

/** Evidence rows as published here; columns that hold nothing are left out on the page, never in the data. */
export function RowsTable(props: { shown: ShownRows; noun: MetricNoun; csv: string }): VNode {
  const { shown, noun, csv } = props
  const { rows, total } = shown
  const columns = shown.columns.filter(
    ({ name, isCategory }) => !isCategory && rows.some((row) => row[name] !== null),
  )
  return (
    <>
      <p>
        {rows.length < total
          ? `The first ${rows.length} of ${total.toLocaleString('en-US')} ${noun.many}.`
          : `${total.toLocaleString('en-US')} ${total === 1 ? noun.one : noun.many}.`}{' '}
        <a href={csv}>All of them as CSV</a>
      </p>
      {rows.length > 0 && (
        <Scroll label={noun.title}>
          <table>
            <thead>
              <tr>
                {columns.map(({ name, heading }) => (
                  <th key={name}>{heading}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <Row key={index} row={row} columns={columns} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
      <p class="small muted">
        Addresses are shown to the block. Coordinates, contact fields and notes are left out, here and in
        every export.
      </p>
    </>
  )
}

function Row({ row, columns }: { row: EvidenceRow; columns: readonly EvidenceColumn[] }): VNode {
  return (
    <tr>
      {columns.map(({ name }) => (
        <td key={name} class={WIDE.includes(name) ? 'wide-cell' : 'day'}>
          {row[name]}
        </td>
      ))}
    </tr>
  )
}

/** Columns whose text may be long. */
const WIDE = ['block', 'title']
