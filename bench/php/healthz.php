<?php
// The same small reply as Parley's /healthz.
header('Content-Type: application/json');
header('Cache-Control: no-store');
echo '{"status":"ok"}';
