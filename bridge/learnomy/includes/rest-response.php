<?php
/**
 * A REST response that keeps the backend's bytes, and makes arrays of them only for who asks.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The answer of one of our routes.
 */
final class Rest_Response extends \WP_REST_Response {

	/**
	 * The body as the backend wrote it; null once the data was changed.
	 *
	 * @var string|null
	 */
	private $bytes;

	/**
	 * The file that the body is; null for other bodies.
	 *
	 * @var Doors_File|null
	 */
	private $file;

	/**
	 * Whether the data was made of the bytes.
	 *
	 * @var bool
	 */
	private $is_decoded = false;

	/**
	 * An answer of bytes.
	 *
	 * @param string                $bytes   Body.
	 * @param int                   $status  Status.
	 * @param array<string, string> $headers Headers.
	 * @return self
	 */
	public static function of_bytes( string $bytes, int $status, array $headers ): self {
		$response             = new self( null, $status, $headers );
		$response->bytes      = $bytes;
		$response->is_decoded = false;
		return $response;
	}

	/**
	 * An answer that is a file.
	 *
	 * @param Doors_File            $file    File.
	 * @param int                   $status  Status.
	 * @param array<string, string> $headers Headers.
	 * @return self
	 */
	public static function of_file( Doors_File $file, int $status, array $headers ): self {
		$response             = new self( null, $status, $headers );
		$response->file       = $file;
		$response->is_decoded = false;
		return $response;
	}

	/**
	 * An answer of data, encoded as the backend does it.
	 *
	 * @param mixed                 $data    Data.
	 * @param int                   $status  Status.
	 * @param array<string, string> $headers Headers.
	 * @return self
	 */
	public static function of_data( $data, int $status, array $headers ): self {
		$response             = new self( $data, $status, $headers );
		$response->bytes      = Envelope::encode( $data );
		$response->is_decoded = true;
		return $response;
	}

	/**
	 * An error in our envelope.
	 *
	 * @param int    $status      Status.
	 * @param string $code        Code.
	 * @param string $message     Message, '' for the code's own.
	 * @param array  $details     Details.
	 * @param string $request_id  Request id, '' for the visitor's.
	 * @param int    $retry_after Seconds, 0 for none.
	 * @return self
	 */
	public static function error( int $status, string $code, string $message = '', array $details = array(), string $request_id = '', int $retry_after = 0 ): self {
		return self::of_data(
			Envelope::error( $code, $message, $details, $request_id ),
			$status,
			Envelope::headers( $status, $request_id, $retry_after )
		);
	}

	/**
	 * The body to send as it is; null where somebody changed the data.
	 *
	 * @return string|null
	 */
	public function bytes(): ?string {
		return $this->bytes;
	}

	/**
	 * The file that the body is; null for other bodies.
	 *
	 * @return Doors_File|null
	 */
	public function file(): ?Doors_File {
		return $this->file;
	}

	/**
	 * The data, as arrays. A body that is no JSON is its own data.
	 *
	 * @return mixed
	 */
	public function get_data() {
		if ( null !== $this->file && ! $this->is_decoded ) {
			$this->is_decoded = true;
			$this->data       = $this->file->bytes();
		}
		if ( null !== $this->bytes && ! $this->is_decoded ) {
			$this->is_decoded = true;
			$this->data       = $this->is_json() ? json_decode( $this->bytes, true ) : $this->bytes;
		}
		return $this->data;
	}

	/**
	 * Replaces the data, and with it the bytes.
	 *
	 * @param mixed $data Data.
	 * @return void
	 */
	public function set_data( $data ) {
		$this->bytes      = null;
		$this->file       = null;
		$this->is_decoded = true;
		parent::set_data( $data );
	}

	/**
	 * The error as WordPress's own callers want it.
	 *
	 * @return \WP_Error|null
	 */
	public function as_error() {
		if ( ! $this->is_error() ) {
			return null;
		}
		$data  = $this->get_data();
		$error = is_array( $data ) && isset( $data['error'] ) && is_array( $data['error'] ) ? $data['error'] : array();
		return new \WP_Error(
			isset( $error['code'] ) ? (string) $error['code'] : 'internal_error',
			isset( $error['message'] ) ? (string) $error['message'] : '',
			array_merge( $error, array( 'status' => $this->get_status() ) )
		);
	}

	/**
	 * Whether the body is JSON.
	 *
	 * @return bool
	 */
	private function is_json(): bool {
		$headers = $this->get_headers();
		$type    = isset( $headers['Content-Type'] ) ? (string) $headers['Content-Type'] : '';
		return 1 === preg_match( '#^application/(?:[\w.-]+\+)?json\b#i', $type );
	}
}
