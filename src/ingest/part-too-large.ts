import { WardbookError } from '../kernel/errors.js'

/** What rows of a division were to be split by. */
interface Splitting {
  readonly table: string
  readonly budget: { readonly maxRows: number; readonly maxUncompressedBytes: number }
  readonly key?: string | undefined
}

/** 'part-too-large' (shrink): no hash brings a division's rows within the budget of a part. @param whole rows, and bytes uncompressed, that stay together */
export function partTooLarge(
  { table, budget, key }: Splitting,
  division: string,
  whole: { readonly rows: number; readonly bytes: number },
): WardbookError {
  return new WardbookError(
    'part-too-large',
    'shrink',
    `${table}, division ${division}: ${whole.rows} rows, ${whole.bytes} bytes cannot be split into parts of ` +
      `${budget.maxRows} rows and ${budget.maxUncompressedBytes} bytes` +
      (key === undefined ? '' : `: too many rows share one ${key}; choose another key`),
    { table, division, ...whole },
  )
}
