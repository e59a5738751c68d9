import { z } from 'zod'

/** Hive-partitioned Parquet that is there already; it is adopted, not read like a portal. */
export const HiveSource = z
  .strictObject({
    family: z.literal('hive'),
    from: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Folder, or s3://bucket/path, of hive-partitioned Parquet, which is only read. ' +
          "Default: the files lie in this lake already, below the raw table's own folder.",
      ),
    column: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Key of the folders that hold the division, e.g. 'ward' of ward=7/; default: partition.from.",
      ),
    mode: z
      .enum(['copy', 'register'])
      .optional()
      .describe(
        'copy: rows become raw rows, all text, in parts within the budget; register: files stay as they are and the table ' +
          'names them, only inside the lake. Default: register where `from` is absent and the types allow it, else copy.',
      ),
  })
  .refine(({ from, mode }) => from === undefined || mode !== 'register', {
    path: ['mode'],
    error: 'only files inside the lake can be registered: leave out `from`, or use copy',
  })
export type HiveSourceConfig = z.infer<typeof HiveSource>
