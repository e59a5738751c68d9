import { sha256Hex } from '../../kernel/ids.js'
import { CHART_STYLE } from './chart.js'
import { DARK, LIGHT, variables } from './tokens.js'

/** The one style sheet of the pages: light and dark, phone, print. */
export const STYLE = `
:root{${variables(LIGHT)};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif;overflow-wrap:break-word}
a{color:var(--blue);text-underline-offset:2px}
a:focus-visible,select:focus-visible,button:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--orange);outline-offset:2px}
header,main{max-width:68rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;padding-top:.9rem;padding-bottom:.7rem}
header .brand{font-weight:700;color:var(--text);text-decoration:none;font-size:1.1rem}
header nav{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem}
header .city{color:var(--muted);margin-left:auto}
.bar{border-bottom:1px solid var(--rule)}
.skip{position:absolute;left:-999px}
.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.25rem .5rem}
.notice{background:var(--mark);border-left:4px solid var(--orange);padding:.45rem .9rem;margin:.8rem 0;max-width:none}
.frame{max-width:68rem;margin:0 auto;padding:0 1.25rem}
.crumbs{color:var(--muted);font-size:.9rem;margin:1rem 0 0}
.crumbs+h1{margin-top:.3rem}
h1{font-size:1.75rem;line-height:1.2;margin:1rem 0 .8rem;text-wrap:balance}
h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{margin:.5rem 0;max-width:46rem}
.lead{font-size:1.15rem;line-height:1.5}
.muted{color:var(--muted)}
.small{font-size:.875rem}
form.filter{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:end;background:var(--panel);padding:.7rem .9rem;margin:1.2rem 0 .6rem;border-radius:4px}
form.filter label{display:grid;gap:.15rem;font-size:.85rem;color:var(--muted);max-width:100%}
select,button{font:inherit;color:var(--text);background:var(--page);border:1px solid var(--muted);border-radius:3px;padding:.3rem .5rem;max-width:100%}
button{background:var(--blue);border-color:var(--blue);color:var(--page);padding:.3rem .9rem;cursor:pointer}
.forms{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.9rem;margin:.3rem 0 0}
ol.findings{list-style:none;margin:0;padding:0}
ol.findings>li{display:grid;grid-template-columns:4.7rem minmax(0,1fr) auto 5.6rem;gap:.2rem 1rem;padding:.8rem 0;border-bottom:1px solid var(--rule);align-items:start}
ol.findings>li.plain{grid-template-columns:4.7rem minmax(0,1fr) 5.6rem}
ol.findings p{margin:0}
ol.findings .go{font-size:.9rem;margin-top:.25rem;display:flex;flex-wrap:wrap;gap:.1rem 1rem}
.figure{text-align:right;font-variant-numeric:tabular-nums}
.figure b{font-size:1.1rem;white-space:nowrap}
.figure span{display:block;color:var(--muted);font-size:.8rem;white-space:nowrap}
.severity{display:inline-block;border:1.5px solid var(--muted);border-radius:3px;padding:0 .45rem;font-size:.8rem;font-weight:600;line-height:1.5}
.severity.high{border-color:var(--orange);background:var(--orange);color:var(--page)}
.severity.medium{border-color:var(--orange);color:var(--orange)}
.spark{display:block;margin-top:.15rem}
figure{margin:.5rem 0}
figcaption{color:var(--muted);font-size:.875rem;margin-top:.3rem;max-width:46rem}
.chart{width:100%;height:auto;display:block;font-family:system-ui,sans-serif}
.chart.narrow{display:none}
.key{display:inline-block;width:.85em;height:.85em;vertical-align:-.08em;margin-right:.3em}
${CHART_STYLE}
.scroll{overflow-x:auto;max-width:100%}
.scroll:focus-visible{outline:3px solid var(--orange)}
table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;color:var(--muted);padding-bottom:.4rem}
th{text-align:left;font-weight:600;color:var(--muted);vertical-align:bottom}
th,td{padding:.35rem .9rem .35rem 0;border-bottom:1px solid var(--rule);vertical-align:top}
th:last-child,td:last-child{padding-right:0}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td{overflow-wrap:normal}td.day,th{white-space:nowrap}td.wide-cell{min-width:13rem}
tr.replaced td{color:var(--muted)}
tbody tr.chosen{background:var(--panel)}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.25rem 1.2rem;margin:.5rem 0;font-size:.925rem}
dt{color:var(--muted)}
dd{margin:0;min-width:0}
code,pre,.hash{font:.85em/1.45 ui-monospace,monospace;overflow-wrap:anywhere}
pre{background:var(--panel);padding:.7rem .9rem;white-space:pre-wrap;border-radius:4px;margin:.4rem 0}
details>summary{cursor:pointer;color:var(--blue);padding:.2rem 0}
main{padding-bottom:3rem}
@media (max-width:40rem){
header,main,.frame{padding-left:1rem;padding-right:1rem}
header .city{margin-left:0;width:100%}
h1{font-size:1.45rem}.lead{font-size:1.05rem}
ol.findings>li,ol.findings>li.plain{grid-template-columns:minmax(0,1fr) auto}
ol.findings>li>.text{grid-column:1/-1;grid-row:2}
.spark,.figure span{display:none}
.chart.wide{display:none}.chart.narrow{display:block}
dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:.5rem}
th,td{padding-right:.7rem}
}
@media print{
body{font-size:10.5pt}
header nav,form.filter,.forms,.skip,ol.findings .go,details:not([open]),.screen{display:none}
main,header,.frame{max-width:none;padding-left:0;padding-right:0}
.scroll{overflow:visible}
figure,tr,ol.findings>li{break-inside:avoid}
h2,h3{break-after:avoid}
.severity,.band,.key{print-color-adjust:exact;-webkit-print-color-adjust:exact}
a{color:inherit}
table{font-size:7.5pt}td.day,td.number,th{white-space:normal}td.wide-cell{min-width:0}th,td{padding:.2rem .5rem .2rem 0}
}
`

/** Address of the style sheet; it changes with its content, so it may be kept for ever. */
export const STYLE_ADDRESS = `/assets/style-${sha256Hex(STYLE).slice(0, 16)}.css`
