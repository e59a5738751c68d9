import type { VNode } from 'preact'
import type { ShownRows } from '../division-view.js'
import { EVIDENCE_COLUMNS, type EvidenceRow } from '../read-rows.js'
import { Scroll } from './scroll.js'

const HEADINGS: Record<(typeof EVIDENCE_COLUMNS)[number], string> = {
  requested_on: 'Requested',
  service_request_id: 'Request',
  service_name: 'Category',
  status: 'Status',
  closed_on: 'Closed',
  block: 'Block',
  neighborhood: 'Neighborhood',
  agency_responsible: 'Agency',
  channel: 'Channel',
}

/** Service requests as published here; columns that hold nothing are left out on the page, never in the data. */
export function RowsTable({ shown, csv }: { shown: ShownRows; csv: string }): VNode {
  const { rows, total } = shown
  const columns = EVIDENCE_COLUMNS.filter(
    (column) => column !== 'service_name' && rows.some((row) => row[column] !== null),
  )
  return (
    <>
      <p>
        {rows.length < total
          ? `The first ${rows.length} of ${total.toLocaleString('en-US')} requests.`
          : countText(total)}{' '}
        <a href={csv}>All of them as CSV</a>
      </p>
      {rows.length > 0 && (
        <Scroll label="Requests">
          <table>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column}>{HEADINGS[column]}</th>
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

function countText(total: number): string {
  return total === 1 ? '1 request.' : `${total.toLocaleString('en-US')} requests.`
}

function Row({ row, columns }: { row: EvidenceRow; columns: readonly (keyof EvidenceRow)[] }): VNode {
  return (
    <tr>
      {columns.map((column) => (
        <td key={column} class={column === 'block' ? 'wide-cell' : 'day'}>
          {row[column]}
        </td>
      ))}
    </tr>
  )
}
