import { z } from 'zod'
import { SourceCommon } from './common.js'

/** A JavaScript module of the city's own that reads a portal of another kind; see docs/source-modules.md. */
export const ModuleSource = z.strictObject({
  family: z.literal('module'),
  ...SourceCommon,
  path: z
    .string()
    .regex(/\.m?js$/, 'name a JavaScript module: .js or .mjs')
    .describe(
      'The module, relative to the folder of the city file. It runs with all rights of wardbook: read it first.',
    ),
  options: z.record(z.string(), z.json()).default({}).describe('Settings, handed to the module as they are.'),
  tokenFrom: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'name an environment variable; the token itself has no place in a city file')
    .optional()
    .describe('Environment variable that holds a token for the module; default: none.'),
})
export type ModuleSourceConfig = z.infer<typeof ModuleSource>
