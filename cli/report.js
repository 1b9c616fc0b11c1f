/* cli/report.js: draws the page of mirrorball report from the model of cli/report.h. */
'use strict';
