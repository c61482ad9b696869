<?php
/**
 * What WordPress takes as an upload, which the backend keeps to.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * Size and types.
 */
final class Site_Uploads {

	/**
	 * What is handed over.
	 *
	 * @return array{max_bytes: int, types: array<string, string>}
	 */
	public static function rules(): array {
		return array(
			'max_bytes' => self::max_bytes(),
			'types'     => self::types(),
		);
	}

	/**
	 * Bytes that a file may have. On a network, what is left of a site's space is no part of it.
	 *
	 * @return int
	 */
	private static function max_bytes(): int {
		if ( ! is_multisite() ) {
			return (int) wp_max_upload_size();
		}
		return (int) min(
			wp_convert_hr_to_bytes( (string) ini_get( 'upload_max_filesize' ) ),
			wp_convert_hr_to_bytes( (string) ini_get( 'post_max_size' ) ),
			KB_IN_BYTES * (int) get_site_option( 'fileupload_maxk', 1500 )
		);
	}

	/**
	 * Types by extensions, as anybody may upload them: what only some users may is not for the backend to know.
	 *
	 * @return array<string, string>
	 */
	private static function types(): array {
		$visitor = get_current_user_id();
		if ( $visitor ) {
			wp_set_current_user( 0 );
		}
		$types = array_filter( (array) get_allowed_mime_types(), 'is_string' );
		if ( $visitor ) {
			wp_set_current_user( $visitor );
		}
		ksort( $types );
		return $types;
	}
}
